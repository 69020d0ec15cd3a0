-- What stands before every script that works on one run. A script is one step to everybody else.

local RUN, EVENTS, MATERIAL, RUNNING, STATES, TASKS, MESSAGES, HOSTS, STARTED, FINISHED =
  unpack(KEYS)

-- Events are numbered by the run, not by the time.
local function add_event(number, body)
  redis.call('XADD', EVENTS, string.format('%.0f-0', number), 'e', body)
end

-- A state is kept as "<1 if final> <state> <trouble or -> <time>".
local function finish(state, time, message, keep_seconds)
  local running = redis.call('SMEMBERS', RUNNING)
  for _, host in ipairs(running) do
    redis.call('HSET', STATES, host, '1 failed - ' .. time)
    redis.call('HSET', MESSAGES, host, message)
  end
  if #running > 0 then
    redis.call('HINCRBY', RUN, 'running', -#running)
    redis.call('HINCRBY', RUN, 'failed', #running)
  end
  redis.call('DEL', RUNNING, MATERIAL)
  redis.call('HSET', RUN, 'state', state, 'reason', message, 'finished_at', time)
  for _, key in ipairs(KEYS) do
    redis.call('EXPIRE', key, keep_seconds)
  end
end
