"""Photos that ``/fetch`` downloads: signed URLs, allowed hosts, checked addresses."""
