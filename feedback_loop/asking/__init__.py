"""What people are asked, in which order, and the sampler that stays ahead of them."""
