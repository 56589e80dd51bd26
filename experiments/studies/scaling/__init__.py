"""Loss and time against size, steps and text: a grid of trainings, a law, what it foretells."""
