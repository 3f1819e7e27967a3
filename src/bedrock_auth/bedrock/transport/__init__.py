"""How calls are made: clients, one call as botocore sends it, its stream of events, threads and asyncio."""
