-- Make a run that was written aside visible.
-- KEYS: those of the run, then hosts and order as they were written aside.
-- ARGV: the number of hosts, the first event, the material, fields and values of the run.

if redis.call('EXISTS', RUN) == 1 then
  return 'kept'
end
local total = tonumber(ARGV[1])
local draft_hosts, draft_order = KEYS[#KEYS - 1], KEYS[#KEYS]
if redis.call('HLEN', draft_hosts) ~= total or redis.call('ZCARD', draft_order) ~= total then
  return 'again'
end
redis.call('HSET', RUN, unpack(ARGV, 4))
redis.call('SET', MATERIAL, ARGV[3])
add_event(1, ARGV[2])
if total > 0 then
  redis.call('RENAME', draft_hosts, HOSTS)
  redis.call('RENAME', draft_order, KEYS[11])
  redis.call('PERSIST', HOSTS)
  redis.call('PERSIST', KEYS[11])
end
redis.call('DEL', KEYS[12])
return 'kept'
