import os
import sys

print('the vault is sealed for', os.environ['VAULT_TOKEN'], file=sys.stderr)
sys.exit(3)
