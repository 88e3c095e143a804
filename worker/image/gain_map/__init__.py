"""The gain map of an Ultra HDR photo: found in an upload, and written into its result."""
