import json

print(json.dumps({"Version": 1, "AccessKeyId": "ASIAPROCESS000000000", "SecretAccessKey": "CANARY-secret-of-process", "SessionToken": "CANARY-token-of-process", "Expiration": "2026-01-01T13:00:00Z", "AccountId": "123456789012"}))
