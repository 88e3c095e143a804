"""The front end's side of the queue: submit jobs, await replies, read and end jobs."""
