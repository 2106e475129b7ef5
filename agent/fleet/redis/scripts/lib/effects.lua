-- The beginning of every script. Before Redis 7 a script that reads the time may write only if its effects are
-- replicated, and not its text.
if redis.replicate_commands then redis.replicate_commands() end
