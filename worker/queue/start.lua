-- Records that a worker runs jobs, as RQ's prepare_execution and prepare_job_execution do for one job;
-- returns how many jobs all workers are running, then the ids of the jobs that it recorded.
-- A job that has left the intermediate list is not recorded: while this worker was stopped, another
-- process has put it back. Neither is a job that does not wait: its id was in the queue twice. A repeat
-- of the script records the same jobs.
-- KEYS: worker, its executions, registry of started jobs, intermediate list.
-- ARGV: the worker's name, its time to live in s, the time as RQ formats it, the Unix time as a float
-- and in whole seconds; then for each job its id, its execution's id, the execution's time to live in s.
local worker, executions, started, intermediate = unpack(KEYS)
local name, worker_ttl, now, now_s, whole_s = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
-- This command needs memory: if Redis is full, the script fails here before it has written anything.
redis.call('HSET', worker, 'last_heartbeat', now, 'state', 'busy')
local recorded = {}
for i = 6, #ARGV, 3 do
  local id, execution, ttl = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local both = id .. ':' .. execution
  local was_taken = redis.call('LREM', intermediate, 1, id) == 1
  if was_taken and redis.call('HGET', 'rq:job:' .. id, 'status') == 'queued'
    or redis.call('SISMEMBER', executions, both) == 1 then
    recorded[#recorded + 1] = id
    redis.call('DEL', intermediate .. ':first_seen:' .. id)
    redis.call('HSET', 'rq:execution:' .. both, 'id', execution, 'job_id', id, 'created_at', now_s,
      'last_heartbeat', now_s, 'worker_name', name)
    redis.call('EXPIRE', 'rq:execution:' .. both, ttl)
    redis.call('ZADD', 'rq:executions:' .. id, whole_s + ttl + 60, execution)
    redis.call('EXPIRE', 'rq:executions:' .. id, ttl + 60)
    redis.call('ZADD', started, whole_s + ttl, both)
    redis.call('SADD', executions, both)
    redis.call('HSET', 'rq:job:' .. id, 'last_heartbeat', now, 'status', 'started', 'started_at', now,
      'worker_name', name)
    redis.call('PERSIST', 'rq:job:' .. id)
  end
end
redis.call('EXPIRE', worker, worker_ttl)
redis.call('EXPIRE', executions, worker_ttl)
-- Without expired entries: those belong to dead workers, and RQ's maintenance removes them.
return {redis.call('ZCOUNT', started, whole_s, '+inf'), recorded}
