-- Returns the work in pixels of all jobs that wait or run and have no reply yet.
-- KEYS: queue, intermediate list, registry of started jobs.
-- ARGV: prefix of the keys of jobs, prefix of the keys of inputs, the field of a job's work.
local work, seen = 0, {}
local function add(id)
  -- A reply deletes the input; a job that is put back may be in two lists for a moment.
  if not seen[id] and redis.call('EXISTS', ARGV[2] .. id) == 1 then
    -- A job that can't be read does not count.
    local found = redis.pcall('HGET', ARGV[1] .. id, ARGV[3])
    local is_count = type(found) == 'string' and #found <= 15 and string.match(found, '^%d+$')
    work = work + (is_count and tonumber(found) or 0)
  end
  seen[id] = true
end
for i = 1, 2 do
  for _, id in ipairs(redis.call('LRANGE', KEYS[i], 0, -1)) do add(id) end
end
for _, run in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do add(string.match(run, '^[^:]*')) end
return work
