-- Clipbridge for REAPER 6 and 7: a sound from words, as an item at the edit cursor.
-- How to install and use it: README.md next to this file. Licence: MIT.
--
-- REAPER's Lua has no sockets, so this script uses Clipbridge's command line: the ask is written into a
-- file, `clipbridge generate --ask-file FILE` is started in the background, and its answers are read from FILE.events as
-- they come, ten times a second. REAPER never waits. The prompt is never on a command line.
--
-- `Clipbridge item.lua` beside this file is an action of its own, which starts from the selected item. It sets CLIPBRIDGE_WAY and
-- runs this file: what the dialog asks for, what is asked of Clipbridge, and where the sound goes are its own.

local SECTION = "Clipbridge" -- of REAPER's own memory for scripts (SetExtState)
local START_S = 30 -- Python's first start, from a cold disk and behind a virus scanner
local SILENCE_S = 25 -- the command line says something every 5 s while it waits
local LOOK_S = 0.1 -- how often FILE.events is read
local BUILD_MISSING_PEAKS = 40047 -- REAPER's action "Peaks: Build any missing peaks"

local windows = reaper.GetOS():match("^Win") ~= nil
local separator = windows and "\\" or "/"

local function tell(sentence)
  reaper.ShowMessageBox(sentence, "Clipbridge", 0)
end

---------------------------------------------------------------- JSON, the part needed here

local function json_text(text)
  return '"' .. text:gsub('[%c"\\\127]', function(letter) return ("\\u%04x"):format(letter:byte()) end) .. '"'
end

local function json_object(pairs_in_order)
  local parts = {}
  for _, pair in ipairs(pairs_in_order) do
    local value = type(pair[2]) == "string" and json_text(pair[2]) or ("%.15g"):format(pair[2])
    parts[#parts + 1] = json_text(pair[1]) .. ":" .. value
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local json_value -- function(text, at): the value at `at`, and the place after it

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function json_string(text, at)
  local parts = {}
  while true do
    local plain, mark, place = text:match('^([^"\\]*)(["\\])()', at)
    assert(plain, "a text without an end")
    parts[#parts + 1], at = plain, place
    if mark == '"' then return table.concat(parts), at end
    local code = text:match("^u(%x%x%x%x)", at)
    if code then
      local number = tonumber(code, 16)
      at = at + 5
      local low = number >= 0xD800 and number < 0xDC00 and text:match("^\\u(%x%x%x%x)", at)
      if low then -- a surrogate pair
        number = 0x10000 + (number - 0xD800) * 0x400 + (tonumber(low, 16) - 0xDC00)
        at = at + 6
      end
      parts[#parts + 1] = utf8.char(number)
    else
      parts[#parts + 1] = assert(ESCAPES[text:sub(at, at)], "an unknown escape")
      at = at + 1
    end
  end
end

local function json_list(text, at, closing, add)
  at = text:match("^%s*()", at)
  if text:sub(at, at) == closing then return at + 1 end
  while true do
    at = add(at)
    local mark, place = text:match("^%s*([,%]}])%s*()", at)
    assert(mark == "," or mark == closing, "a list without an end")
    if mark == closing then return place end
    at = place
  end
end

function json_value(text, at)
  at = text:match("^%s*()", at)
  local first = text:sub(at, at)
  if first == '"' then return json_string(text, at + 1) end
  if first == "[" then
    local list = {}
    local after = json_list(text, at + 1, "]", function(place)
      list[#list + 1], place = json_value(text, place)
      return place
    end)
    return list, after
  end
  if first == "{" then
    local object = {}
    local after = json_list(text, at + 1, "}", function(place)
      local key, value
      key, place = json_value(text, place)
      object[key], place = json_value(text, assert(text:match("^%s*:()", place), "a key without a value"))
      return place
    end)
    return object, after
  end
  local word, after = text:match("^([%w%.%+%-]+)()", at)
  if word == "true" or word == "false" then return word == "true", after end
  if word == "null" then return false, after end -- nil would make a hole in a list
  return assert(tonumber(word), "an unknown value"), after
end

---------------------------------------------------------------- where the command line is

local function contents(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

local function is_command(path)
  return path ~= "" and reaper.file_exists(path)
end

-- The command that the user typed, that `clipbridge scripts install reaper` left next to this script, or that is in PATH.
local function known_command()
  local typed = reaper.GetExtState(SECTION, "command")
  if is_command(typed) then return '"' .. typed .. '"' end
  local here = ({ reaper.get_action_context() })[2]:match("^(.*[/\\])") or ""
  local command = contents(here .. "clipbridge-command.txt")
  if command and command:match("%S") then return command:match("^%s*(.-)%s*$") end
  for folder in (os.getenv("PATH") or ""):gmatch(windows and "[^;]+" or "[^:]+") do
    local path = folder .. separator .. (windows and "clipbridge.exe" or "clipbridge")
    if is_command(path) then return '"' .. path .. '"' end
  end
  return nil
end

local function ask_for_command()
  local find = windows and "where.exe clipbridge" or "which clipbridge"
  local path = ""
  while true do
    local answered
    answered, path = reaper.GetUserInputs(
      "Clipbridge: once only", 1, "Path that '" .. find .. "' prints:,extrawidth=400,separator=\n", path)
    if not answered then return nil end
    path = path:gsub('^[%s"]+', ""):gsub('[%s"]+$', "")
    if is_command(path) and not path:find('"') then
      reaper.SetExtState(SECTION, "command", path, true)
      return '"' .. path .. '"'
    end
    tell("There is no file " .. path .. "\n\nIn the terminal in which 'clipbridge run' works, type\n\n    " .. find
      .. "\n\nand copy the line that it prints.")
  end
end

---------------------------------------------------------------- the dialog

local function ask_user(fields, values)
  local captions, defaults = {}, {}
  for place, field in ipairs(fields) do
    captions[place], defaults[place] = field.caption, values[field.key]
  end
  -- A prompt may contain a comma, but no line break.
  local answered, text = reaper.GetUserInputs("Clipbridge", #fields,
    table.concat(captions, ",") .. ",extrawidth=240,separator=\n", table.concat(defaults, "\n"))
  if not answered then return nil end
  local inputs, place = {}, 0
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    place = place + 1
    if fields[place] then inputs[fields[place].key] = line:match("^%s*(.-)%s*$") end
  end
  return inputs
end

-- The length in seconds of bars from a position on, through every change of tempo and signature.
local function bars_from(project, start, bars)
  local beats, measure = reaper.TimeMap2_timeToBeats(project, start)
  local whole = math.floor(bars)
  local finish = reaper.TimeMap2_beatsToTime(project, beats, measure + whole)
  if bars > whole then
    local _, last, beats_in_measure = reaper.TimeMap2_timeToBeats(project, finish + 1e-9)
    finish = reaper.TimeMap2_beatsToTime(project, beats + (bars - whole) * beats_in_measure, last)
  end
  return finish - start
end

local function number(text)
  return tonumber((text:gsub(",", ".")))
end

-- The seconds in a length such as 2, 0,5, 4b or 4 bars from a position on; or nil and a sentence.
local function seconds_of(project, text, position)
  local bars = text:lower():match("^(.-)%s*b[ars]*$")
  local count = number(bars or text)
  if not count or count <= 0 or count ~= count or count == math.huge then
    return nil, "The length '" .. text .. "' is not understood. 2 is two seconds, 4b are four bars."
  end
  return bars and bars_from(project, position, count) or count
end

---------------------------------------------------------------- a new item

-- `fields`: of the dialog. `remembered`: what the names of their values begin with in REAPER's memory.
-- `read(values, project)`: the keys of the ask in order, and a place; or nil and a sentence.
-- `insert(job, sources)`: makes takes of the sources, which are best first, where job.place says. Returns their item.
-- `missing(project)`: a sentence if there is nothing to start from, or nil.
-- `hint`: a sentence for a source that Clipbridge refuses.
local NEW_ITEM = {
  remembered = "",
  fields = {
    { key = "prompt", caption = "Sound", default = "deep warm kick" },
    { key = "length", caption = "Length: 2 = seconds; 4b = bars; sel = selection", default = "1b" },
    { key = "preset", caption = "Preset: drum note bass loop pad ... or empty", default = "" },
    { key = "takes", caption = "Takes (1 to 16)", default = "1" },
    { key = "seed", caption = "Seed: a number, or empty for a new one", default = "" },
  },
}

function NEW_ITEM.read(values, project)
  if values.prompt == "" then return nil, "What should it sound like? Some words are needed, such as: deep warm kick" end
  local position, seconds, why = reaper.GetCursorPositionEx(project), nil, nil
  if values.length:lower() == "sel" then
    local from, to = reaper.GetSet_LoopTimeRange2(project, false, false, 0, 0, false)
    if to <= from then return nil, "'sel' is the length of the time selection, but nothing is selected." end
    position, seconds = from, to - from
  elseif values.length ~= "" then -- else it is the preset's
    seconds, why = seconds_of(project, values.length, position)
    if not seconds then return nil, why .. " sel is the time selection." end
  end
  return seconds and { { "seconds", seconds } } or {}, { position = position, track = reaper.GetSelectedTrack(project, 0) }
end

-- The track of a job, or a new one if it is gone.
local function track_for(job)
  local track = job.place.track
  if track and reaper.ValidatePtr2(job.project, track, "MediaTrack*") then return track end
  local count = reaper.CountTracks(job.project)
  if reaper.InsertTrackInProject then -- since REAPER 7
    reaper.InsertTrackInProject(job.project, count, 1)
  else
    reaper.InsertTrackAtIndex(count, true)
  end
  track = reaper.GetTrack(job.project, count)
  reaper.GetSetMediaTrackInfo_String(track, "P_NAME", "Clipbridge", true)
  return track
end

-- Adds a take for each source. Returns the takes.
local function add_takes(item, sources, name)
  local takes = {}
  for place, source in ipairs(sources) do
    local take = reaper.AddTakeToMediaItem(item)
    reaper.SetMediaItemTake_Source(take, source)
    reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", name, true)
    if place == 1 then reaper.SetActiveTake(take) end -- best first
    takes[place] = take
  end
  return takes
end

-- An item with these takes on the job's track.
local function new_item(job, sources, position)
  local item = reaper.AddMediaItemToTrack(track_for(job))
  local takes = add_takes(item, sources, job.name)
  reaper.SetMediaItemInfo_Value(item, "D_POSITION", position)
  reaper.SetMediaItemInfo_Value(item, "D_LENGTH", (reaper.GetMediaSourceLength(sources[1])))
  return item, takes
end

function NEW_ITEM.insert(job, sources)
  return (new_item(job, sources, job.place.position))
end

local way = CLIPBRIDGE_WAY or NEW_ITEM
way.help = { seconds_of = seconds_of, number = number, add_takes = add_takes, new_item = new_item }

-- Inserts a take for each file, as one undo step. Returns a sentence or nil.
local function insert(job, paths, facts)
  if not reaper.ValidatePtr(job.project, "ReaProject*") then
    return "The project was closed. The sound is here: " .. paths[1]
  end
  local sources = {}
  for place, path in ipairs(paths) do
    sources[place] = reaper.PCM_Source_CreateFromFile(windows and path:gsub("/", "\\") or path)
    if not sources[place] then return "REAPER cannot open " .. path end
  end
  reaper.Undo_BeginBlock2(job.project)
  reaper.PreventUIRefresh(1)
  local item = way.insert(job, sources)
  local notes = job.name .. "\nseed " .. tostring(facts.seed)
  if facts.heard and facts.heard ~= "" then notes = notes .. "\nheard as: " .. facts.heard end
  if facts.remark then notes = notes .. "\n" .. facts.remark end
  local _, before = reaper.GetSetMediaItemInfo_String(item, "P_NOTES", "", false)
  if before ~= "" then notes = before .. "\n\n" .. notes end
  reaper.GetSetMediaItemInfo_String(item, "P_NOTES", notes, true)
  reaper.SelectAllMediaItems(job.project, false)
  reaper.SetMediaItemSelected(item, true)
  reaper.PreventUIRefresh(-1)
  reaper.UpdateArrange()
  reaper.Undo_EndBlock2(job.project, "Clipbridge: " .. job.name, -1)
  reaper.Main_OnCommandEx(BUILD_MISSING_PEAKS, 0, job.project)
  return nil
end

---------------------------------------------------------------- the job in the background

local function draw(job)
  gfx.set(0.16, 0.16, 0.16, 1)
  gfx.rect(0, 0, gfx.w, gfx.h, 1)
  gfx.set(0.25, 0.6, 0.5, 1)
  gfx.rect(10, 40, math.max(0, gfx.w - 20) * job.fraction, 16, 1)
  gfx.set(0.9, 0.9, 0.9, 1)
  gfx.x, gfx.y = 10, 12
  gfx.drawstr(job.state .. "  (Esc: cancel)")
  gfx.update()
end

local function clean_up(job)
  os.remove(job.file) -- also cancels an unfinished job
  os.remove(job.file .. ".events")
end

local function finish(job, sentence)
  job.over = true
  clean_up(job)
  gfx.quit()
  if sentence then tell(sentence) end
end

-- Handles an event of the command line. Returns true for the last one.
local function handle(job, event)
  local values = event.values or {}
  if event.event == "started" then
    job.state = "Asking Clipbridge"
  elseif event.event == "queued" then
    job.state = values[1] > 0 and ("%d before this one"):format(values[1]) or "Making it"
  elseif event.event == "progress" then
    job.state, job.fraction = "Making it", values[1]
  elseif event.event == "take" then
    job.paths[#job.paths + 1] = values[2]
  elseif event.event == "done" then
    local facts = {}
    for place = 3, #values - 1, 2 do facts[values[place]] = values[place + 1] end
    if #job.paths == 0 then job.paths[1] = values[1] end
    local ok, problem = pcall(insert, job, job.paths, facts)
    finish(job, not ok and "The sound could not be inserted (" .. tostring(problem) .. "). It is here: " .. job.paths[1] or problem)
    return true
  elseif event.event == "failed" then
    local hint = values[1] == "bad_source" and way.hint
    finish(job, values[2] .. (hint and "\n\n" .. hint or ""))
    return true
  elseif event.event == "error" then
    finish(job, event.why)
    return true
  elseif event.event == "cancelled" then
    finish(job, nil)
    return true
  end
  return false
end

local function look(job, now)
  local text = contents(job.file .. ".events") or ""
  local heard
  for line in text:sub(job.read + 1):gmatch("(.-)\n") do -- a line without its end is not complete yet
    job.read, heard = job.read + #line + 1, now
    local ok, event = pcall(json_value, line, 1)
    if ok and type(event) == "table" and handle(job, event) then return end
  end
  job.heard = heard or job.heard
  if job.read == 0 and now - job.began > START_S then
    reaper.DeleteExtState(SECTION, "command", true) -- the user is asked again
    finish(job, "There is no answer from\n\n" .. job.command .. "\n\nDoes it work in a terminal? Try: clipbridge doctor")
  elseif job.read > 0 and now - job.heard > SILENCE_S then
    finish(job, "'clipbridge generate' has stopped without an answer. Ask again.")
  end
end

local function run(job)
  local key = gfx.getchar()
  if key == 27 or key < 0 then return finish(job, nil) end -- Esc, or the window was closed
  local now = reaper.time_precise()
  if now - job.looked >= LOOK_S then
    job.looked = now
    look(job, now)
    if job.over then return end
    draw(job)
  end
  reaper.defer(function() run(job) end)
end

local function start(values, project, keys, place, command)
  local folder = reaper.GetResourcePath() .. separator .. "Clipbridge"
  reaper.RecursiveCreateDirectory(folder, 0)
  local file = folder .. separator .. "ask-" .. reaper.genGuid(""):gsub("[^%w%-]", "") .. ".json"
  local ask = { { "prompt", values.prompt }, table.unpack(keys) }
  for _, key in ipairs({ "preset", "takes", "seed" }) do
    if values[key] ~= "" and not (key == "takes" and values[key] == "1") then ask[#ask + 1] = { key, values[key] } end
  end
  local port = tonumber(reaper.GetExtState(SECTION, "port"))
  if port then ask[#ask + 1] = { "osc_port", math.floor(port) } end
  local out, why = io.open(file, "wb")
  if not out then return tell("Cannot write to " .. folder .. ": " .. tostring(why)) end
  out:write(json_object(ask))
  out:close()

  local now = reaper.time_precise()
  local job = {
    project = project, place = place, name = place.name or values.prompt,
    file = file, command = command, began = now, looked = now, heard = now, read = 0,
    paths = {}, fraction = 0, state = "Starting",
  }
  -- -2: REAPER does not wait, and the window is minimised.
  if not reaper.ExecProcess(command .. ' generate --ask-file "' .. file .. '"', -2) then
    clean_up(job)
    reaper.DeleteExtState(SECTION, "command", true)
    return tell("This command could not be started:\n\n" .. command)
  end
  gfx.init("Clipbridge: " .. job.name, 420, 70)
  reaper.atexit(function() if not job.over then clean_up(job) end end)
  run(job)
end

local function main()
  local values, project = {}, reaper.EnumProjects(-1)
  local why = way.missing and way.missing(project)
  if why then return tell(why) end
  for _, field in ipairs(way.fields) do
    local name = way.remembered .. field.key
    local remembered = reaper.HasExtState(SECTION, name) and field.key ~= "seed"
    values[field.key] = remembered and reaper.GetExtState(SECTION, name) or field.default
  end
  while true do
    values = ask_user(way.fields, values)
    if not values then return end
    project = reaper.EnumProjects(-1)
    local keys, place = way.read(values, project)
    if keys then
      for _, field in ipairs(way.fields) do reaper.SetExtState(SECTION, way.remembered .. field.key, values[field.key], true) end
      local command = known_command() or ask_for_command()
      if command then start(values, project, keys, place, command) end
      return
    end
    tell(place)
  end
end

main()
