"""The commands of `clipbridge`, one module each."""
