"""Line art: taken from pictures, cleaned up, cut into regions."""
