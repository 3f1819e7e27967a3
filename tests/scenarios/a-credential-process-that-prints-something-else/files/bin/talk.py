print('the secret is CANARY-printed')
