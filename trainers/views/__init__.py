"""Views of pictures: drawn, read, brought to the device."""
