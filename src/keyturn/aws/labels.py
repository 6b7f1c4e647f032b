"""The labels of an AWS item's fields, as the plugin file has them."""

KEY_ID, SECRET_KEY = "access key id", "secret access key"
REGION, CODE, SERIAL = "default region", "one-time password", "mfa serial"
# Of an item with temporary keys, which end by themselves.
TOKEN, EXPIRES = "session token", "expires"
