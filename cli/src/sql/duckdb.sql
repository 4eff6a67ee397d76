-- Views and macros over the tables of `pml convert`, for DuckDB 1.4 and newer. Every macro is a table:
-- FROM failed_servicing(); the summaries are those of Process Monitor's menu Tools, for one capture or many.

-- The tables. With several captures, every join begins with `capture`.
{views}

-- Tools, File Summary: what was done to each path.
CREATE OR REPLACE MACRO file_summary() AS TABLE
  SELECT capture, path, sum(duration_ns) / 1e9 AS file_time, count(*) AS total_events,
    count(*) FILTER (WHERE operation = 'CreateFile') AS opens,
    count(*) FILTER (WHERE operation = 'CloseFile') AS closes,
    count(*) FILTER (WHERE operation = 'ReadFile') AS reads,
    count(*) FILTER (WHERE operation = 'WriteFile') AS writes,
    coalesce(sum(bytes_returned) FILTER (WHERE operation = 'ReadFile'), 0) AS read_bytes,
    coalesce(sum(length) FILTER (WHERE operation = 'WriteFile' AND status = 0), 0) AS write_bytes,
    count(*) FILTER (WHERE operation NOT IN ('CreateFile', 'CloseFile', 'ReadFile', 'WriteFile')) AS other
  FROM events WHERE class = 'File System' AND path <> '' GROUP BY ALL;

-- Tools, Registry Summary: what was done to each key and value.
CREATE OR REPLACE MACRO registry_summary() AS TABLE
  SELECT capture, path, sum(duration_ns) / 1e9 AS registry_time, count(*) AS total_events,
    count(*) FILTER (WHERE operation IN ('RegOpenKey', 'RegCreateKey')) AS opens,
    count(*) FILTER (WHERE operation = 'RegCloseKey') AS closes,
    count(*) FILTER (WHERE operation IN ('RegQueryValue', 'RegQueryKey', 'RegEnumKey', 'RegEnumValue')) AS reads,
    count(*) FILTER (WHERE operation IN ('RegSetValue', 'RegDeleteValue', 'RegDeleteKey', 'RegSetInfoKey')) AS writes
  FROM events WHERE class = 'Registry' AND path <> '' GROUP BY ALL;

-- Tools, Network Summary: traffic of each pair of addresses.
CREATE OR REPLACE MACRO network_summary() AS TABLE
  SELECT capture, path, count(*) AS total_events,
    count(*) FILTER (WHERE operation LIKE '%Connect') AS connects,
    count(*) FILTER (WHERE operation LIKE '%Disconnect') AS disconnects,
    count(*) FILTER (WHERE operation LIKE '%Send') AS sends,
    count(*) FILTER (WHERE operation LIKE '%Receive') AS receives,
    coalesce(sum(length) FILTER (WHERE operation LIKE '%Send'), 0) AS send_bytes,
    coalesce(sum(length) FILTER (WHERE operation LIKE '%Receive'), 0) AS receive_bytes
  FROM events WHERE class = 'Network' GROUP BY ALL;

-- Tools, Process Activity Summary: what each process did.
CREATE OR REPLACE MACRO process_summary() AS TABLE
  SELECT e.capture, e.process_name, e.pid, any_value(p.command_line) AS command_line, count(*) AS total_events,
    count(*) FILTER (WHERE e.class = 'File System') AS file_events,
    count(*) FILTER (WHERE e.class = 'Registry') AS registry_events,
    count(*) FILTER (WHERE e.class = 'Network') AS network_events,
    count(*) FILTER (WHERE e.status >= 3221225472) AS errors,
    min(e.seconds) AS first_second, max(e.seconds) AS last_second
  FROM events e LEFT JOIN processes p USING (capture, part, process_index) GROUP BY ALL;

-- Tools, Cross Reference Summary: paths that some processes write and others read.
CREATE OR REPLACE MACRO cross_reference() AS TABLE
  SELECT capture, path,
    list_sort(list(DISTINCT process_name) FILTER (WHERE operation IN ('WriteFile', 'RegSetValue'))) AS writers,
    list_sort(list(DISTINCT process_name) FILTER (WHERE operation IN ('ReadFile', 'RegQueryValue'))) AS readers
  FROM events WHERE operation IN ('WriteFile', 'RegSetValue', 'ReadFile', 'RegQueryValue')
  GROUP BY ALL HAVING len(writers) > 0 AND len(readers) > 0 AND len(list_distinct(writers || readers)) > 1;

-- Tools, Count Occurrences: FROM count_occurrences('operation').
CREATE OR REPLACE MACRO count_occurrences(column_name) AS TABLE
  SELECT capture, value, count(*) AS events
  FROM (SELECT capture, CASE column_name
      WHEN 'operation' THEN operation WHEN 'path' THEN path WHEN 'result' THEN result WHEN 'class' THEN class
      WHEN 'category' THEN category WHEN 'process_name' THEN process_name WHEN 'pid' THEN pid::VARCHAR
      WHEN 'tid' THEN tid::VARCHAR WHEN 'detail' THEN detail
      ELSE error('count_occurrences takes operation, path, result, class, category, process_name, pid, tid or detail') END AS value
    FROM events)
  GROUP BY ALL;

-- Tools, Stack Summary: events by the modules on their stacks, each module counted once an event.
CREATE OR REPLACE MACRO stack_summary() AS TABLE
  SELECT e.capture, m.module, count(*) AS events, count(DISTINCT e.stack_id) AS stacks
  FROM events e JOIN (
    SELECT DISTINCT u.capture, u.stack_id, f.module
    FROM (SELECT capture, stack_id, unnest(frames) AS frame_id FROM stacks) u
    JOIN frames f USING (capture, frame_id)) m USING (capture, stack_id)
  GROUP BY ALL;

-- Failed operations of the servicing stack, by component.
CREATE OR REPLACE MACRO failed_servicing() AS TABLE
  SELECT capture, regexp_extract(path, '(?i)\\(?:WinSxS|servicing\\Packages)\\(?:Temp\\[^\\]+\\)*([^\\]+)', 1) AS component,
    process_name, operation, result, count(*) AS events, min(seconds) AS first_second, min(event_id) AS first_event
  FROM events
  WHERE process_name IN ('TiWorker.exe', 'TrustedInstaller.exe', 'poqexec.exe') AND status >= 3221225472
    AND class = 'File System' AND component <> '' GROUP BY ALL;

-- The tree of processes, through all parts: a process is named by its id and the time of its start.
CREATE OR REPLACE MACRO process_tree() AS TABLE
  WITH RECURSIVE one AS (
    SELECT DISTINCT ON (capture, pid, start_time) capture, pid, parent_pid, start_time, end_time, name, command_line
    FROM processes ORDER BY capture, pid, start_time, part),
  tree AS (
    SELECT capture, pid, start_time, name, command_line, 0 AS depth, name AS chain FROM one child
    WHERE NOT EXISTS (FROM one p WHERE p.capture = child.capture AND p.pid = child.parent_pid AND p.pid <> child.pid AND p.start_time <= child.start_time)
    UNION ALL
    SELECT c.capture, c.pid, c.start_time, c.name, c.command_line, t.depth + 1, t.chain || ' > ' || c.name
    FROM one c JOIN tree t ON t.capture = c.capture AND t.pid = c.parent_pid AND c.pid <> t.pid AND t.start_time <= c.start_time
    WHERE t.depth < 64)
  SELECT capture, depth, pid, name, chain, command_line, start_time FROM tree
  QUALIFY row_number() OVER (PARTITION BY capture, pid, start_time ORDER BY depth DESC) = 1 ORDER BY capture, chain;

-- Who had a file open: for paths that match, each process with its first opening and its last closing, in seconds.
CREATE OR REPLACE MACRO who_held(pattern) AS TABLE
  SELECT capture, path, process_name, pid, min(seconds) FILTER (WHERE operation = 'CreateFile' AND status = 0) AS opened,
    max(seconds) FILTER (WHERE operation = 'CloseFile') AS closed,
    count(*) FILTER (WHERE operation = 'CreateFile' AND status = 0) AS opens,
    count(*) FILTER (WHERE operation = 'CloseFile') AS closes,
    count(*) FILTER (WHERE status = 3221225539) AS sharing_violations
  FROM events WHERE class = 'File System' AND path ILIKE pattern GROUP BY ALL HAVING opens > 0 OR sharing_violations > 0;

-- The boot, second by second.
CREATE OR REPLACE MACRO boot_timeline() AS TABLE
  SELECT capture, floor(seconds)::BIGINT AS second, count(*) AS events, count(*) FILTER (WHERE status >= 3221225472) AS errors,
    count(DISTINCT pid) AS processes, mode(process_name) AS busiest, coalesce(sum(bytes_returned), 0) AS read_bytes
  FROM events GROUP BY ALL;

-- Operations that took at least this many seconds.
CREATE OR REPLACE MACRO slow_operations(at_least) AS TABLE
  SELECT capture, event_id, seconds, duration_ns / 1e9 AS took, process_name, pid, operation, path, result
  FROM events WHERE duration_ns >= at_least * 1e9 ORDER BY duration_ns DESC;

-- What was read and written in the registry of Component Based Servicing.
CREATE OR REPLACE MACRO cbs_registry() AS TABLE
  SELECT capture, event_id, seconds, process_name, operation, path, result, registry_data
  FROM events WHERE class = 'Registry' AND path ILIKE '%\Component Based Servicing%' ORDER BY capture, event_id;

-- The stack of an event, innermost first.
CREATE OR REPLACE MACRO stack_of(of_capture, of_event) AS TABLE
  SELECT u.position, f.location, f.module_path
  FROM (SELECT s.capture, unnest(s.frames) AS frame_id, unnest(range(1, len(s.frames) + 1)) AS position
    FROM events e JOIN stacks s USING (capture, stack_id) WHERE e.event_id = of_event AND e.capture = of_capture) u
  JOIN frames f USING (capture, frame_id) ORDER BY u.position;
