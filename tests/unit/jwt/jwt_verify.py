# An implementation of JWS that is not ours (PyJWT): usage jwt_verify.py ALGORITHM KEY_FILE, the token on stdin.
# Prints the header and the claims, one JSON object a line; fails if the signature is wrong.
import json
import sys

import jwt

algorithm, key_file = sys.argv[1:]
token = sys.stdin.read()
with open(key_file, "rb") as file:
    key = file.read()
claims = jwt.decode(
    token,
    key,
    algorithms=[algorithm],
    options={"verify_exp": True, "verify_iat": True, "verify_aud": False, "require": ["exp", "iat"]},
)
print(json.dumps(jwt.get_unverified_header(token), sort_keys=True))
print(json.dumps(claims, sort_keys=True))
