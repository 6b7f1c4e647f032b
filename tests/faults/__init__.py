"""What is saved, under kills, failing disks and neighbours that write at the same time."""
