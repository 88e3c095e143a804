"""How the weights come to be; nothing here is needed to serve."""
