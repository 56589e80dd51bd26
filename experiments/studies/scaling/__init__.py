"""Loss and time against size, steps and text: a grid of trainings, a law of loss, a forecast."""
