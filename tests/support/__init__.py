"""What tests share: servers on loopback, command lines, worlds and samples."""
