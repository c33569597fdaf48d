"""The learn process: learns the sounds of a folder at low priority, as a model of one's own."""
