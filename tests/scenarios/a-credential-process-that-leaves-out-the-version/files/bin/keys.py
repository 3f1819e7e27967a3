import json

print(json.dumps({"AccessKeyId": "AKIAPROCESS000000000", "SecretAccessKey": "CANARY-secret-of-process"}))
