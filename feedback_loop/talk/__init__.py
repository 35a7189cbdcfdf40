"""Chatting with a policy, and corrections that become labels."""
