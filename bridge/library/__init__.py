"""The library: the record of all clips and of the jobs that were accepted."""
