-- Stores a job's pictures and its reply, if the job's input is still there; returns 1, else 0.
-- KEYS: input, the front end's list of replies, record, pictures.
-- ARGV: time to live in s of list and pictures, of the record, the reply, the pictures' bytes.
-- Deletes the input first: that frees memory, and a script that has begun to write may go on in a
-- Redis that is full. So a finished photo is delivered even then.
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
for i = 4, #KEYS do redis.call('SET', KEYS[i], ARGV[i], 'EX', ARGV[1]) end
-- NX: a record that is there says that the job was deleted while it ran.
redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[2], 'NX')
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 1
