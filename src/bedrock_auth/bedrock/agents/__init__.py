"""Agents: requests, events, streams, answers, sessions, files, and what they ask this program to do."""
