import json

print(json.dumps({"Version": 1, "AccessKeyId": "AKIAPROCESS000000000", "SecretAccessKey": "CANARY-secret-of-process"}))
