"""How the base model of AudioLM is made: its codec and its networks, trained on the starter's sounds."""
