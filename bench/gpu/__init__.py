"""Images/s on a GPU machine, by stage and end to end."""
