-- Records that jobs have succeeded, as RQ's _finalize_success does for one job; returns the ids of
-- those on which other jobs depend.
-- KEYS: worker, its executions, registries of started and of finished jobs, intermediate list.
-- ARGV: the worker's name, the time as RQ formats it, the Unix time as a float and in whole seconds,
-- seconds worked; then for each job its id, its execution's id, the execution's start as a Unix time,
-- its encoded return value, the result's time to live in s.
-- Deletes first: Redis lets a script that has begun to write continue even when its memory is full.
local worker, executions, started, finished, intermediate = unpack(KEYS)
local name, now, now_s, whole_s, worked_s = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local awaited, count = {}, 0
for i = 6, #ARGV, 5 do
  local id, execution, began_s, value, ttl = unpack(ARGV, i, i + 4)
  local both, job, results = id .. ':' .. execution, 'rq:job:' .. id, 'rq:results:' .. id
  -- RQ's maintenance may have noted the job just before it left the intermediate list.
  redis.call('DEL', 'rq:execution:' .. both, intermediate .. ':first_seen:' .. id)
  redis.call('ZREM', started, both)
  redis.call('ZREM', 'rq:executions:' .. id, execution)
  redis.call('SREM', executions, both)
  -- In an emptied Redis a job has no status, and nothing of it may be written again. A job that has
  -- finished was recorded by a run of this script whose reply was lost.
  local status = redis.call('HGET', job, 'status')
  if status and status ~= 'finished' then
    count = count + 1
    redis.call('HSET', job, 'status', 'finished', 'last_heartbeat', now, 'ended_at', now,
      'success_callback_name', '', 'failure_callback_name', '')
    redis.call('XADD', results, 'MAXLEN', '~', '10', '*', 'type', '1', 'worker_name', name,
      'return_value', value, 'execution_id', execution, 'execution_started_at', began_s,
      'execution_ended_at', now_s)
    redis.call('EXPIRE', results, ttl)
    redis.call('ZADD', finished, whole_s + ttl, id)
    redis.call('EXPIRE', job, ttl)
    redis.call('EXPIRE', job .. ':dependents', ttl)
    redis.call('EXPIRE', 'rq:job::' .. id .. ':dependencies', ttl)
  end
  if redis.call('EXISTS', job .. ':dependents') == 1 then awaited[#awaited + 1] = id end
end
if count > 0 then
  redis.call('HINCRBY', worker, 'successful_job_count', count)
  redis.call('HINCRBYFLOAT', worker, 'total_working_time', worked_s)
end
return awaited
