"""What a computer does to a run: outputs that go away, full disks, locks, memory, processes."""
