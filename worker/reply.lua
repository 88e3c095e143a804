-- Stores a job's pictures and its reply and returns 1, if the job's input still exists; else returns 0.
-- KEYS: input, the front end's list of replies, record, pictures.
-- ARGV: time to live in s of list and pictures, of the record, the reply, the pictures' bytes.
-- Deletes the input first. That frees memory, and Redis lets a script that has begun to write continue
-- even when its memory is full: a finished photo is always delivered.
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
for i = 4, #KEYS do redis.call('SET', KEYS[i], ARGV[i], 'EX', ARGV[1]) end
-- NX: a record exists if the job was deleted while it ran, and says so.
redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[2], 'NX')
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 1
