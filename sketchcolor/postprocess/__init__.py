"""What makes conditions hold in the networks' picture, and puts the artist's lines back over it."""
