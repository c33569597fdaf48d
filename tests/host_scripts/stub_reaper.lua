-- A stand-in for REAPER's ReaScript API, the part that the scripts in host_scripts/reaper use.
--   lua5.3 stub_reaper.lua SCRIPT SCENARIO RESULT
-- SCENARIO is a Lua file that returns a table: the user's inputs and the project. The result is written to RESULT as JSON.
-- Each function follows https://www.reaper.fm/sdk/reascript/reascripthelp.html, quoted where it matters. Nothing here was
-- compared with a real REAPER.

local script, scenario_file, result_file = arg[1], arg[2], arg[3]
local scenario = dofile(scenario_file)
local socket = require("socket")

local result = { messages = {}, dialogs = {}, commands = {}, drawn = {}, undo = {}, actions = {}, outside_undo = 0 }
local memory = scenario.memory or {}
local deferred, at_exit = nil, nil
local answered = 0
local undo_depth = 0

local project = { kind = "ReaProject*", tracks = {}, open = true }
for place = 1, scenario.tracks or 1 do
  project.tracks[place] = { kind = "MediaTrack*", name = "Track " .. place, items = {} }
end

-- scenario.items: items of the first track. `file`, `seconds` of it, and any of the values of an item and its take.
local ITEM = { D_POSITION = 0, D_VOL = 1, B_LOOPSRC = 1, D_FADEINLEN = 0.01, D_FADEOUTLEN = 0.01, D_FADEINLEN_AUTO = 0,
  D_FADEOUTLEN_AUTO = 0, C_FADEINSHAPE = 1, C_FADEOUTSHAPE = 1 }
local TAKE = { D_STARTOFFS = 0, D_PLAYRATE = 1, D_PITCH = 0, D_VOL = 1, D_PAN = 0, I_CHANMODE = 0 }
local function with(defaults, values, into)
  for what, value in pairs(defaults) do into[what] = values[what] == nil and value or values[what] end
  return into
end
for _, given in ipairs(scenario.items or {}) do
  local item = with(ITEM, given.item or {}, { kind = "MediaItem*", takes = {}, selected = given.selected ~= false, notes = given.notes })
  item.D_LENGTH = given.length or given.seconds
  if given.file then
    local source = { path = given.file, seconds = given.seconds, section = given.section, in_quarters = given.midi }
    item.takes[1] = with(TAKE, given.take or {}, { kind = "MediaItem_Take*", item = item, source = source, name = given.name or "" })
    item.takes[1].midi, item.takes[1].stretched = given.midi, given.stretched
    item.active = 1
  end
  table.insert(project.tracks[1].items, item)
end

reaper, gfx = {}, { w = 420, h = 70 }

local function change()
  if undo_depth == 0 then result.outside_undo = result.outside_undo + 1 end
end

-- "bool retval, string retvals_csv = GetUserInputs(title, num_inputs, captions_csv, retvals_csv)": "Values are returned as a
-- comma-separated string. Returns false if the user canceled the dialog. You can supply special extra information via
-- additional caption fields: extrawidth=XXX to increase text field width, separator=X to use a different separator for
-- returned fields."
function reaper.GetUserInputs(title, count, captions, values)
  assert(captions:find(",separator=\n$"), "the default separator would cut a prompt at its commas")
  local fields = select(2, (values .. "\n"):gsub("\n", ""))
  assert(fields == count, "as many values as fields")
  result.dialogs[#result.dialogs + 1] = { title, values }
  answered = answered + 1
  local answer = scenario.inputs[answered]
  if not answer then return false, values end
  return true, answer
end

-- "type 0=OK"; modal.
function reaper.ShowMessageBox(message, title, kind)
  assert(kind == 0 and title == "Clipbridge")
  result.messages[#result.messages + 1] = message
  return 1
end

-- "Set the extended state value for a specific section and key. persist=true means the value should be stored and reloaded
-- the next time REAPER is opened."
function reaper.SetExtState(section, key, value, persist)
  assert(section == "Clipbridge" and persist == true and type(value) == "string")
  memory[key] = value
end
function reaper.GetExtState(_, key) return memory[key] or "" end -- "Get the extended state value"; "" if there is none
function reaper.HasExtState(_, key) return memory[key] ~= nil end
function reaper.DeleteExtState(_, key, persist) assert(persist) memory[key] = nil end

function reaper.GetOS() return scenario.os or "Other" end -- "Win32, Win64, OSX32, OSX64, macOS-arm64, or Other"
function reaper.GetResourcePath() return scenario.resources end
function reaper.RecursiveCreateDirectory(path, _)
  os.execute("mkdir -p '" .. path:gsub("'", "'\\''") .. "'")
  return 1
end
function reaper.file_exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end
function reaper.genGuid(_) return "{6F9619FF-8B86-D011-B42D-" .. os.time() .. tostring(project):gsub("%W", "") .. "}" end
function reaper.time_precise() return socket.gettime() end
function reaper.get_action_context() return true, script, 0, 1, 0, 0, 0, "" end
function reaper.atexit(work) at_exit = work end -- "Adds code to be executed when the script finishes or is ended by the user."
function reaper.defer(work) deferred = work end -- "Adds code to be called back by REAPER."

-- "Executes command line, returns NULL on total failure, otherwise the return value, a newline, and then the output of the
-- command. If timeoutmsec is 0, command will be allowed to run indefinitely [...]. timeoutmsec is -1 for no wait/terminate,
-- -2 for no wait and minimize." There is no shell: the line is cut into arguments at spaces outside of double quotes.
local start_program = os.execute
function reaper.ExecProcess(line, timeout)
  assert(timeout == -2, "REAPER would wait")
  result.commands[#result.commands + 1] = line
  local arguments, rest = {}, line
  while rest:match("%S") do
    local quoted, after = rest:match('^%s*"([^"]*)"(.*)$')
    if not quoted then quoted, after = rest:match("^%s*(%S+)(.*)$") end
    arguments[#arguments + 1], rest = "'" .. quoted:gsub("'", "'\\''") .. "'", after
  end
  if scenario.exec_fails then return nil end
  if scenario.meanwhile == "delete" then project.tracks[1].items = {} end
  if scenario.meanwhile == "move" then project.tracks[1].items[1].D_POSITION = 7 end
  start_program(table.concat(arguments, " ") .. " >/dev/null 2>&1 &")
  return "0\n"
end

---------------------------------------------------------------- the project

function reaper.EnumProjects(index) assert(index == -1) return project, "" end -- "idx=-1 for current project"
function reaper.ValidatePtr(pointer, kind) return pointer.kind == kind and pointer.open ~= false end
function reaper.ValidatePtr2(given, pointer, kind)
  if given ~= project or pointer.kind ~= kind then return false end
  for _, track in ipairs(project.tracks) do
    if track == pointer then return true end
    for _, item in ipairs(track.items) do
      if item == pointer then return true end
      for _, take in ipairs(item.takes) do if take == pointer then return true end end
    end
  end
  return false
end
function reaper.GetCursorPositionEx(given) assert(given == project) return scenario.cursor or 0 end
function reaper.GetSet_LoopTimeRange2(given, set, loop, _, _, _)
  assert(given == project and set == false and loop == false)
  return (scenario.selection or { 0, 0 })[1], (scenario.selection or { 0, 0 })[2]
end
function reaper.GetSelectedTrack(given, index)
  assert(given == project and index == 0)
  return scenario.selected and project.tracks[scenario.selected] or nil
end
function reaper.CountTracks(given) assert(given == project) return #project.tracks end
function reaper.GetTrack(given, index) assert(given == project) return project.tracks[index + 1] end
function reaper.InsertTrackInProject(given, index, _)
  assert(given == project)
  change()
  table.insert(project.tracks, index + 1, { kind = "MediaTrack*", name = "", items = {} })
end
function reaper.GetSetMediaTrackInfo_String(track, what, value, set)
  assert(what == "P_NAME" and set)
  change()
  track.name = value
  return true, value
end
function reaper.AddMediaItemToTrack(track)
  assert(track.kind == "MediaTrack*")
  change()
  local item = with(ITEM, {}, { kind = "MediaItem*", takes = {} })
  table.insert(track.items, item)
  return item
end
function reaper.AddTakeToMediaItem(item)
  change()
  local take = with(TAKE, {}, { kind = "MediaItem_Take*", item = item })
  table.insert(item.takes, take)
  return take
end
function reaper.SetActiveTake(take) change() for place, other in ipairs(take.item.takes) do if other == take then take.item.active = place end end end
function reaper.SetMediaItemTake_Source(take, source) change() take.source = source return true end
-- "If setNewValue is false, the value is read."
function reaper.GetSetMediaItemTakeInfo_String(take, what, value, set)
  assert(what == "P_NAME")
  if set then change() take.name = value end
  return true, take.name or ""
end
function reaper.GetSetMediaItemInfo_String(item, what, value, set)
  assert(what == "P_NOTES")
  if set then change() item.notes = value end
  return true, item.notes or ""
end

-- "Get/Set media item (take) numerical-value attributes"; an unknown name is ignored there, and an error here.
local function value_of(thing, what)
  assert(type(thing[what]) == "number" and what:match("^[A-Z]_"), what)
  return thing[what]
end
local function set_value(thing, what, value)
  assert(type(value) == "number" and (thing[what] or what == "D_LENGTH"), what)
  change()
  thing[what] = value
  return true
end
reaper.GetMediaItemInfo_Value, reaper.SetMediaItemInfo_Value = value_of, set_value
reaper.GetMediaItemTakeInfo_Value, reaper.SetMediaItemTakeInfo_Value = value_of, set_value

local function selected_items()
  local items = {}
  for _, track in ipairs(project.tracks) do
    for _, item in ipairs(track.items) do if item.selected then items[#items + 1] = item end end
  end
  return items
end
function reaper.CountSelectedMediaItems(given) assert(given == project) return #selected_items() end
function reaper.GetSelectedMediaItem(given, index) assert(given == project) return selected_items()[index + 1] end
function reaper.GetActiveTake(item) return item.takes[item.active] end -- "get the active take in this item", nil for an empty item
function reaper.GetMediaItemTrack(item)
  for _, track in ipairs(project.tracks) do
    for _, other in ipairs(track.items) do if other == item then return track end end
  end
end
function reaper.TakeIsMIDI(take) return take.midi == true end -- "Returns true if the active take contains MIDI."
function reaper.GetTakeNumStretchMarkers(take) return take.stretched and 2 or 0 end
function reaper.GetMediaItemTake_Source(take) return take.source end
function reaper.GetMediaSourceFileName(source) return source.path end
-- "boolean retval, number offs, number len, boolean rev: If a section/reverse block, retrieves offset/len/reverse."
function reaper.PCM_Source_GetSectionInfo(source)
  if not source.section then return false, 0, 0, false end
  return true, 0, source.seconds, source.section == "reversed"
end
function reaper.SelectAllMediaItems(given, selected)
  assert(given == project and selected == false)
  for _, item in ipairs(selected_items()) do item.selected = false end
end
function reaper.SetMediaItemSelected(item, selected) item.selected = selected end
function reaper.PreventUIRefresh(_) end
function reaper.UpdateArrange() end
-- "call to start a new block", "call to end the block, with extra flags if any, and a description"
function reaper.Undo_BeginBlock2(given) assert(given == project) undo_depth = undo_depth + 1 end
function reaper.Undo_EndBlock2(given, description, flags)
  assert(given == project and flags == -1)
  undo_depth = undo_depth - 1
  result.undo[#result.undo + 1] = description
end
function reaper.Main_OnCommandEx(command, _, given) assert(given == project) result.actions[#result.actions + 1] = command end

-- A source is a file that can be read whole: 48 kHz, 24 bits, mono, as Clipbridge writes it.
function reaper.PCM_Source_CreateFromFile(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a")
  if not text or text:sub(1, 4) ~= "RIFF" then return nil end
  file:close()
  local at = 13
  while at + 8 <= #text do
    local name, size = text:sub(at, at + 3), string.unpack("<I4", text, at + 4)
    if name == "data" then
      assert(at + 7 + size <= #text, "half a file")
      return { path = path, seconds = size / 3 / 48000 }
    end
    at = at + 8 + size + size % 2
  end
  return nil
end
-- "Returns the length of the source media. If the media source is beat-based, the length will be in quarter notes"
function reaper.GetMediaSourceLength(source) return source.seconds, source.in_quarters == true end

---------------------------------------------------------------- time

-- scenario.measures: { { beats, seconds per beat }, ... }; the last one repeats for ever.
local function measure_of(number) return scenario.measures[math.min(number + 1, #scenario.measures)] end

-- "convert a time into beats. if measures is non-NULL, measures will be set to the measure count, return value will be beats
-- since measure. if cml is non-NULL, will be set to current measure length in beats (i.e. time signature numerator)"
function reaper.TimeMap2_timeToBeats(given, time)
  assert(given == project)
  local number, full = 0, 0
  while true do
    local beats, seconds = table.unpack(measure_of(number))
    if time < beats * seconds then return time / seconds, number, beats, full + time / seconds, 4 end
    time, number, full = time - beats * seconds, number + 1, full + beats
  end
end

-- "convert a beat position (or optionally a beats+measures if measures is non-NULL) to time."
function reaper.TimeMap2_beatsToTime(given, beats, measure)
  assert(given == project)
  local time = 0
  for number = 0, measure - 1 do time = time + measure_of(number)[1] * measure_of(number)[2] end
  while beats > measure_of(measure)[1] do
    time, beats, measure = time + measure_of(measure)[1] * measure_of(measure)[2], beats - measure_of(measure)[1], measure + 1
  end
  return time + beats * measure_of(measure)[2]
end

---------------------------------------------------------------- the window (gfx)

local escape = false
function gfx.init(title, _, _) result.window = title return 1 end
function gfx.quit() result.window_closed = true end
function gfx.set() end
function gfx.rect() end
function gfx.update() end
-- "returns 0 if no character available, or -1 if window closed"; 27 is Esc.
function gfx.getchar() return escape and (scenario.key or 27) or 0 end
function gfx.drawstr(text)
  if result.drawn[#result.drawn] ~= text then result.drawn[#result.drawn + 1] = text end
  if scenario.escape_when and text:find(scenario.escape_when, 1, true) then escape = true end
  if scenario.delete_track_when and text:find(scenario.delete_track_when, 1, true) then
    project.tracks[scenario.selected] = nil
    scenario.delete_track_when = nil
  end
  if scenario.close_project_when and text:find(scenario.close_project_when, 1, true) then project.open = false end
end

---------------------------------------------------------------- run

os.execute, io.popen = nil, nil -- these would block REAPER and start a shell
reaper.RecursiveCreateDirectory = (function(make)
  return function(path, ignored)
    os.execute = start_program
    local made = make(path, ignored)
    os.execute = nil
    return made
  end
end)(reaper.RecursiveCreateDirectory)

dofile(script)
local began = socket.gettime()
while deferred and socket.gettime() - began < 100 do
  socket.sleep(1 / 30) -- REAPER calls back about thirty times a second
  local work = deferred
  deferred = nil
  work()
end
result.unfinished = deferred ~= nil
if at_exit then at_exit() end

result.memory = memory
result.tracks = project.tracks

local function json(value)
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\]', function(letter) return ("\\u%04x"):format(letter:byte()) end) .. '"'
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  if #value > 0 or next(value) == nil then
    for _, part in ipairs(value) do parts[#parts + 1] = json(part) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, part in pairs(value) do
    if key ~= "item" then parts[#parts + 1] = json(key) .. ":" .. json(part) end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end
local out = assert(io.open(result_file, "wb"))
out:write(json(result))
out:close()
