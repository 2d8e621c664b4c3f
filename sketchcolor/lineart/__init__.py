"""Line art: extracting it from colour pictures, cleaning it up, dividing it into regions."""
