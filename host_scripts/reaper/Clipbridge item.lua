-- Clipbridge for REAPER 6 and 7: another version of the selected item, what comes after it, or a gap in it filled.
-- An action of its own; Clipbridge.lua beside it does the asking. How to use it: README.md next to this file. Licence: MIT.

local LOOK = 1e-6 -- seconds and factors this close are the same
local PART = 1e-3 -- seconds at the end of a file that do not make it a part
local JOIN = 0.04 -- Clipbridge joins new sound to old in the last 30 ms of the old one
local CROSS = 0.01 -- two items with the same sound are cross-faded before that
local SHORTEST = 0.1 -- seconds that can be added
local GLUE = " Glue it first (Item > Glue items), then start this action again."

local way = {
  remembered = "item ",
  fields = {
    { key = "how", caption = "Item: vary 0.5 (0 to 1); continue; fill the selection", default = "vary 0.5" },
    { key = "prompt", caption = "Sound: words, or empty: as the item", default = "" },
    { key = "length", caption = "continue adds: 2 = seconds; 4b = bars; empty: as long", default = "" },
    { key = "preset", caption = "Preset: drum note bass loop pad ... or empty", default = "" },
    { key = "takes", caption = "Takes (1 to 16)", default = "1" },
    { key = "seed", caption = "Seed: a number, or empty for a new one", default = "" },
  },
  hint = "If the item is not an audio file of its own: glue it first (Item > Glue items), then start this action again.",
}

---------------------------------------------------------------- what the item plays

-- Why the sound of a take is not that of its file; nil if it is.
local function difference(take, source)
  local rate = reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
  if math.abs(rate - 1) > LOOK then return ("The item is played at %.4g times its speed."):format(rate) end
  if math.abs(reaper.GetMediaItemTakeInfo_Value(take, "D_PITCH")) > LOOK then return "The pitch of the item is shifted." end
  if reaper.GetTakeNumStretchMarkers(take) > 0 then return "The item has stretch markers." end
  -- 3: left, 4: right, more: other channels alone; up to 2 the whole file is heard.
  if reaper.GetMediaItemTakeInfo_Value(take, "I_CHANMODE") > 2 then return "The item plays some channels of its file only." end
  local is_section, _, _, reversed = reaper.PCM_Source_GetSectionInfo(source)
  if is_section then return reversed and "The item is reversed." or "The item is a section of its file." end
  return nil
end

-- What the item plays: its file and the seconds `from` to `to` of it; or nil and a sentence.
local function played(item)
  local take = reaper.GetActiveTake(item)
  if not take then return nil, "The selected item is empty: select one with sound." end
  if reaper.TakeIsMIDI(take) then return nil, "The selected item is MIDI: render it to audio first." end
  local source = reaper.GetMediaItemTake_Source(take)
  local why = difference(take, source)
  if why then return nil, why .. GLUE end
  local seconds, in_quarters = reaper.GetMediaSourceLength(source)
  local file = reaper.GetMediaSourceFileName(source)
  if file == "" or in_quarters then return nil, "The item has no audio file." .. GLUE end
  local offset = reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
  local finish = offset + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
  local loops = reaper.GetMediaItemInfo_Value(item, "B_LOOPSRC") == 1
  if loops and (offset < -LOOK or finish > seconds + PART) then return nil, "The item repeats its file." .. GLUE end
  local from, to = math.max(0, offset), math.min(seconds, finish)
  if to - from < LOOK then return nil, "The item shows nothing of its file: move its contents or its edges." end
  return {
    item = item, take = take, track = reaper.GetMediaItemTrack(item), file = file, total = seconds,
    position = reaper.GetMediaItemInfo_Value(item, "D_POSITION"), offset = offset, length = finish - offset, from = from, to = to,
  }
end

local function selected(project)
  local count = reaper.CountSelectedMediaItems(project)
  if count == 0 then return nil, "Select an item first: Clipbridge makes another version of it, goes on after it, or fills a gap in it." end
  if count > 1 then return nil, count .. " items are selected: select one." end
  return played(reaper.GetSelectedMediaItem(project, 0))
end

function way.missing(project)
  local place, why = selected(project)
  return not place and why or nil
end

---------------------------------------------------------------- what is asked

-- `vary`, `continue` or `fill`, and the strength if there is one; or nil and a sentence.
local function how_of(text)
  local word, rest = text:lower():match("^(%a+)%s*(.-)$")
  if word == "vary" and rest == "" then return word, nil end
  local strength = word == "vary" and way.help.number(rest)
  if strength and strength >= 0 and strength <= 1 then return word, strength end
  if word == "vary" then return nil, "The strength of vary is 0 (the item as it is) to 1 (a new sound), such as: vary 0.5" end
  if (word == "continue" or word == "fill") and rest == "" then return word, nil end
  return nil, "The first field says what to make of the item: vary 0.5, continue, or fill."
end

-- The gap, in seconds of the file; or nil and a sentence.
local function gap_in(project, place)
  local from, to = reaper.GetSet_LoopTimeRange2(project, false, false, 0, 0, false)
  if to <= from then return nil, "fill needs the gap: select its time within the item first." end
  local start = place.offset - place.position
  from, to = from + start, to + start
  if from < place.from - LOOK or to > place.to + LOOK then
    return nil, "The time selection must lie within the sound of the item: it is the gap that is filled."
  end
  return math.max(0, from), math.min(place.total, to)
end

function way.read(values, project)
  local place, why = selected(project)
  if not place then return nil, why end
  local how, strength = how_of(values.how)
  if not how then return nil, strength end
  local keys = { { how, place.file } }
  local function add(key, value) keys[#keys + 1] = { key, value } end
  if how == "fill" then
    local from, to = gap_in(project, place)
    if not from then return nil, to end
    add("from", from)
    add("to", to)
  else
    if place.from > 0 then add("from", place.from) end
    if place.to < place.total - PART then add("to", place.to) end
  end
  if strength then add("strength", strength) end
  if how == "continue" then
    local more = math.max(SHORTEST, place.to - place.from)
    if values.length ~= "" then
      more, why = way.help.seconds_of(project, values.length, place.position + place.to - place.offset)
      if not more then return nil, why end
    end
    add("more", more)
  end
  local _, name = reaper.GetSetMediaItemTakeInfo_String(place.take, "P_NAME", "", false)
  place.how, place.name = how, (values.prompt ~= "" and values.prompt or name) .. " (" .. how .. ")"
  return keys, place
end

---------------------------------------------------------------- where it goes

-- Give takes the volume and the panorama of the one that they come from, and their place in the file.
local function like_the_source(takes, place, offset)
  for _, take in ipairs(takes) do
    for _, what in ipairs({ "D_VOL", "D_PAN" }) do reaper.SetMediaItemTakeInfo_Value(take, what, place.sounds[what]) end
    reaper.SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", offset)
  end
end

-- Behind the item: an item whose sound begins a little before the end of the old one, which is cut there, because the old sound and the
-- new are joined in its last milliseconds. Both have the same samples where they are cross-faded.
local function continue(job, sources, item)
  local place, old = job.place, job.place.to - job.place.from
  local join = math.min(JOIN, old / 2)
  local cross = math.min(CROSS, join / 2)
  local finish = place.position + place.to - place.offset - join -- of the old item
  local new, takes = way.help.new_item(job, sources, finish - cross)
  local skipped = old - join - cross
  like_the_source(takes, place, skipped)
  local function set(which, values)
    for what, value in pairs(values) do reaper.SetMediaItemInfo_Value(which, what, value) end
  end
  set(new, {
    D_LENGTH = (reaper.GetMediaSourceLength(sources[1])) - skipped, D_VOL = place.sounds.item, B_LOOPSRC = 0,
    D_FADEINLEN = cross, D_FADEINLEN_AUTO = -1, C_FADEINSHAPE = 0, -- linear
  })
  if item then set(item, { D_LENGTH = finish - place.position, D_FADEOUTLEN = cross, D_FADEOUTLEN_AUTO = -1, C_FADEOUTSHAPE = 0 }) end
  return new
end

function way.insert(job, sources)
  local place = job.place
  local there = reaper.ValidatePtr2(job.project, place.item, "MediaItem*") and reaper.ValidatePtr2(job.project, place.take, "MediaItem_Take*")
  local now = there and played(place.item)
  local same = now and now.take == place.take and now.file == place.file
  if same then -- it may have been moved
    place.position, place.offset, place.track = now.position, now.offset, now.track
  end
  place.sounds = { D_VOL = 1, D_PAN = 0, item = 1 }
  if there then
    for _, what in ipairs({ "D_VOL", "D_PAN" }) do place.sounds[what] = reaper.GetMediaItemTakeInfo_Value(place.take, what) end
    place.sounds.item = reaper.GetMediaItemInfo_Value(place.item, "D_VOL")
  end
  if place.how == "continue" then
    -- An item that ends elsewhere by now keeps its end.
    return continue(job, sources, same and math.abs(now.to - place.to) < PART and place.item or nil)
  end
  local offset = place.how == "fill" and place.offset or place.offset - place.from
  if same then
    like_the_source(way.help.add_takes(place.item, sources, job.name), place, offset)
    return place.item
  end
  local item, takes = way.help.new_item(job, sources, place.position)
  like_the_source(takes, place, offset)
  reaper.SetMediaItemInfo_Value(item, "D_LENGTH", place.length)
  return item
end

CLIPBRIDGE_WAY = way
dofile((({ reaper.get_action_context() })[2]:match("^(.*[/\\])") or "") .. "Clipbridge.lua")
