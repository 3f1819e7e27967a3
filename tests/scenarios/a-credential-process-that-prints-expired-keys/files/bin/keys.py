import json

print(json.dumps({"Version": 1, "AccessKeyId": "AKIAPROCESS000000000", "SecretAccessKey": "CANARY-secret-of-process", "Expiration": "2026-01-01T11:00:00Z"}))
