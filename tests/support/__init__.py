"""What several test packages share: waiting, free ports, servers, browsers."""
