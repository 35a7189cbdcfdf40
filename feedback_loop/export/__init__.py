"""A policy leaves the run: adapter, merged model, card."""
