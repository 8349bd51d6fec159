"""What a host offers: programs, Python environments, bundles on disk, ports, processes, logs."""
