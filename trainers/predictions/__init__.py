"""What a network answered to the test images, kept beside its weights, and how it answers beside its teacher."""
