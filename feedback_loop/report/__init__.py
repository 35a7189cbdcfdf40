"""What `status`, the Rounds page and W&B say of a run."""
