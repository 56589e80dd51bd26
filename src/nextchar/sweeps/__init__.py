"""Many runs as one: jobs, the processes that do them, and the summary they are gathered into."""
