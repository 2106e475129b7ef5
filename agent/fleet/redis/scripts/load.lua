--   KEYS  token      reply record | nil
-- needs: limits
return readable(redis.call('HGET', KEYS[1], 'record'))
