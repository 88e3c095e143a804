"""Files of each container, made by a script: depths, colour types, profiles, orientations, alpha."""
