// A stand-in for Bitwig's controller API, the part that host_scripts/bitwig/Clipbridge.control.js uses, over real UDP.
//   node stub_bitwig.js SCRIPT SCENARIO.json > RESULT.json
// Names and behaviour as in Bitwig's API reference (Dashboard > Help > Documentation > Developer Resources), classes
// ControllerHost, DocumentState, Transport, TrackBank, Track, ClipLauncherSlot, InsertionPoint, OscModule, OscConnection.
// Never compared with a real Bitwig. Reading a value that was neither observed nor marked as interesting is an error there,
// and here too.

"use strict";
const dgram = require("dgram");
const fs = require("fs");
const vm = require("vm");

const scenario = JSON.parse(fs.readFileSync(process.argv[3], "utf8"));
const result = { popups: [], errors: [], inserted: [], sent: 0 };
let initialised = false;

class Value {
  constructor(value) { this.value = value; this.interested = false; this.observers = []; }
  markInterested() { if (initialised) throw new Error("only in init()"); this.interested = true; }
  addValueObserver(observer) { this.markInterested(); this.observers.push(observer); observer(this.value); }
  addRawValueObserver(observer) { this.addValueObserver(observer); }
  get() {
    if (!initialised || !this.interested) throw new Error("the value is not marked as interesting");
    return typeof this.value === "function" ? this.value() : this.value;
  }
  set(value) { this.value = value; for (const observer of this.observers) observer(value); }
}

class Slot {
  constructor(track, index, there) {
    this.track = track;
    this.index = index;
    this.there = new Value(there);
    this.content = new Value(false);
  }
  exists() { return this.there; }
  hasContent() { return this.content; }
  // ClipLauncherSlotOrScene.replaceInsertionPoint() and InsertionPoint.insertFile(String path), since API version 7
  replaceInsertionPoint() {
    return {
      insertFile: (path) => {
        if (typeof path !== "string") throw new Error("a path is a text");
        const bytes = fs.readFileSync(path); // complete when its path is sent
        const whole = bytes.length === bytes.readUInt32LE(4) + 8;
        result.inserted.push({ track: this.track.title.value, slot: this.index, path, whole });
        if (!scenario.refuses) setTimeout(() => { this.content.value = true; }, 300); // Bitwig needs a moment
      },
    };
  }
}

class Track {
  constructor(index, slots) {
    const given = scenario.tracks[index];
    this.there = new Value(given !== undefined);
    this.title = new Value(given ? given.name : "");
    this.kind = new Value(given ? given.type : "");
    this.slots = Array.from({ length: slots }, (_, i) => new Slot(this, i, i < (scenario.scenes || 8)));
    if (given) for (const full of given.full || []) this.slots[full].content.value = true;
    this.index = index;
  }
  exists() { return this.there; }
  name() { return this.title; }
  trackType() { return this.kind; }
  createEqualsValue(cursor) { return new Value(() => cursor.cursor && scenario.selected === this.index); }
  clipLauncherSlotBank() { return { getItemAt: (i) => this.slots[i] }; }
}

// ---- OSC ----

function text(value) {
  const bytes = Buffer.from(value + "\0", "utf8");
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
function encode(address, values) {
  let tags = ",";
  const parts = values.map((value) => {
    if (typeof value === "string") { tags += "s"; return text(value); }
    if (typeof value !== "number") throw new Error("OscConnection.sendMessage does not know this type");
    // JavaScript's whole numbers come to Java as Integer, all others as Double.
    const whole = Number.isInteger(value);
    const bytes = Buffer.alloc(whole ? 4 : 8);
    if (whole) bytes.writeInt32BE(value); else bytes.writeDoubleBE(value);
    tags += whole ? "i" : "d";
    return bytes;
  });
  return Buffer.concat([text(address), text(tags), ...parts]);
}
function decode(bytes) {
  let at = 0;
  const read = () => {
    const end = bytes.indexOf(0, at);
    const found = bytes.toString("utf8", at, end);
    at = end + 4 - (end % 4);
    return found;
  };
  const address = read();
  const values = [...read().slice(1)].map((tag) => {
    if (tag === "s") return read();
    const size = tag === "d" || tag === "h" ? 8 : 4;
    const value = tag === "i" ? bytes.readInt32BE(at) : tag === "f" ? bytes.readFloatBE(at)
      : tag === "d" ? bytes.readDoubleBE(at) : Number(bytes.readBigInt64BE(at));
    at += size;
    return value;
  });
  const typed = (kind) => (index) => {
    if (typeof values[index] !== kind) throw new Error("the argument is of another type");
    return values[index];
  };
  return { address, getString: typed("string"), getInt: typed("number"), getFloat: typed("number") };
}

const server = dgram.createSocket("udp4");
const client = dgram.createSocket("udp4");
const osc = {
  createAddressSpace: () => {
    const methods = {};
    return { methods, registerMethod: (address, tags, description, callback) => { methods[address] = callback; } };
  },
  createUdpServer: (port, space) => {
    if (initialised) throw new Error("only in init()");
    server.on("message", (bytes) => {
      const message = decode(bytes);
      if (space.methods[message.address]) space.methods[message.address]({}, message);
    });
    server.bind(port, "127.0.0.1");
  },
  connectToUdpServer: (host, port, _space) => {
    if (initialised) throw new Error("only in init()");
    const sendMessage = (address, ...values) => {
      result.sent += 1;
      client.send(encode(address, values), port, host);
    };
    sendMessage.apply = sendMessage.call = undefined; // Java methods are not JavaScript functions
    return { sendMessage };
  },
};

// ---- the host ----

const states = {};
const signals = {};
const transport = { tempo: new Value(scenario.tempo), numerator: new Value(scenario.signature[0]), denominator: new Value(scenario.signature[1]) };
let tracks = [];
const host = {
  defineController: () => {},
  defineMidiPorts: () => {},
  getDocumentState: () => ({
    getStringSetting: (label, category, length, initial) => {
      const key = label.split(" ")[0].toLowerCase();
      states[key] = new Value(initial);
      return states[key];
    },
    getSignalSetting: (label, category, action) => ({ addSignalObserver: (observer) => { signals[action] = observer; } }),
  }),
  createTransport: () => ({
    tempo: () => ({ value: () => transport.tempo }),
    timeSignature: () => ({ numerator: () => transport.numerator, denominator: () => transport.denominator }),
  }),
  createCursorTrack: () => ({ cursor: true }),
  createMainTrackBank: (count, sends, slots) => {
    tracks = Array.from({ length: count }, (_, i) => new Track(i, slots));
    return { getItemAt: (i) => tracks[i] };
  },
  getOscModule: () => osc,
  scheduleTask: (work, milliseconds) => setTimeout(work, milliseconds),
  showPopupNotification: (message) => { result.popups.push(message); },
  println: () => {},
  errorln: (message) => { result.errors.push(message); },
};

const context = vm.createContext({ host, loadAPI: (version) => { if (version > 18) throw new Error("too new"); } });
const source = fs.readFileSync(process.argv[2], "utf8").replace("DAEMON_PORT = 57200", `DAEMON_PORT = ${scenario.port}`)
  .replace("ANSWER_PORT = 57201", `ANSWER_PORT = ${scenario.answer_port}`);
vm.runInContext(source, context);
context.init();
initialised = true;

function finish() {
  context.exit();
  setTimeout(() => {
    process.stdout.write(JSON.stringify(result), () => process.exit(0));
  }, 200);
}

// The user's steps, in order: {"set": {...}}, {"press": "Make"}, {"until": "words of a popup"}, ...
function act(steps) {
  if (steps.length === 0) return finish();
  const [step, ...rest] = steps;
  if (step.set) for (const key of Object.keys(step.set)) states[key].set(step.set[key]);
  if (step.press) signals[step.press]();
  if (step.rename) tracks[step.rename[0]].title.value = step.rename[1];
  if (step.until) {
    const end = Date.now() + 60000;
    const count = step.count || 1;
    const look = () => {
      if (result.popups.filter((popup) => popup.includes(step.until)).length >= count) return act(rest);
      if (Date.now() > end) { result.errors.push("never said: " + step.until); return finish(); }
      return setTimeout(look, 30);
    };
    return look();
  }
  return setTimeout(() => act(rest), step.wait || 50);
}
server.on("error", (error) => { result.errors.push(String(error)); finish(); });
setTimeout(() => act(scenario.steps), 50);
