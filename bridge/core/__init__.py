"""The heart of the daemon: takes asks, queues jobs, hands them to the processes, reports what happened."""
