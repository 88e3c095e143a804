"""Photos that the service fetches itself: signed URLs, allowed hosts, checked addresses."""
