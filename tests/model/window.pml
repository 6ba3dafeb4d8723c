/* The life of windows at one server: a client, a central that lies, a stranger, an owner who revokes, a clock, crashes.
 *
 * spin -a window.pml; tests/model/model.py does it, with and without each of the bugs (BUG_...) that it has to find.
 * Each statement of a process is one step of the code between two suspensions, or one system call: d_step and atomic
 * stand only where the code does not suspend. What is here, and where it is in the headers:
 *
 *   server     server/commands.hpp, rendezvous/respond.hpp, windows/window.hpp, windows/listener.hpp, sessions/handshake.hpp
 *   may_open   trust/may_open.hpp    may_enter  trust/may_enter.hpp
 *   owner      trust/issued_grants.hpp (revoke), server/node.hpp (take_back)
 */
#define REQUESTS 2  /* that the client ever signs */
#define COMMANDS 3  /* that central ever gives: true ones, repeated ones, made up ones */
#define LIFE 2      /* ticks of a window */
#define PORTS 3     /* of a window, one after the other */
#define GRANTED 4   /* ticks of the grant */

mtype:who = { nobody, client, stranger };
mtype:phase = { idle, announcing, listening, shaking, proved, inside };

/* ---- the server's memory; a crash takes it */
mtype:phase phase = idle;
mtype:who guest = nobody;  /* whose connection was accepted; only the key tells, the address is anybody's */
bool port = false;         /* a socket that listens: the kernel's, which a crash takes as well */
byte left = 0;             /* ticks until the window's deadline */
byte ports = 0;            /* of this window */
byte accepts = 0;          /* of this port */
byte seen = 0;             /* requests carried out under this nonce, as bits */
byte nonce = 0;            /* of the server's link */
bool knows_revoked = false;

/* ---- the server's disk */
bool on_disk = false;  /* the grant's file is renamed */

/* ---- the others */
byte made = 0;                 /* requests that the client has signed, as bits */
byte made_under[REQUESTS];     /* the nonce that each was signed over */
byte commands = 0;
bool asked_for[3];             /* per request, and the last one for made up ones: a window was opened for it */
byte granted = GRANTED;        /* ticks until the grant ends */
bool returned = false;         /* the owner's revoke has */
bool crashed = false;

#define may_enter (granted > 0 && !knows_revoked)
#define overdue (left == 0 && (phase == listening || phase == shaking || phase == proved))

/* Whatever is alive of the client at the server. */
#define alive (phase != idle)

inline shut() {
#ifndef BUG_PORT_LEFT_OPEN
  port = false
#else
  skip
#endif
}

inline end_window() {
  shut();
  guest = nobody;
  phase = idle
}

inline come_in() {
  /* the last word: the grant, the deadline, the revocations, once more */
  assert(guest == client);
  assert(granted > 0);
  assert(!returned);
  assert(left > 0);
  phase = inside
}

active proctype server_and_central() {
  byte id;
  byte under;
end:
  do
  /* central commands: what the client signed, again, under an old nonce, or something made up (id 2) */
  :: atomic { phase == idle && commands < COMMANDS ->
      commands++;
      select(id : 0 .. REQUESTS);
      under = 255;
      if
      :: id < REQUESTS && (made & (1 << id)) -> under = made_under[id]
      :: else -> id = REQUESTS
      fi;
      if
#ifndef BUG_SIGNATURE_NOT_CHECKED
      :: id == REQUESTS -> skip
#endif
#ifndef BUG_REPLAY
      :: id < REQUESTS && (seen & (1 << id)) -> skip
#endif
#ifndef BUG_OLD_NONCE
      :: id < REQUESTS && under != nonce -> skip
#endif
      :: else ->
        if
        :: !may_enter -> skip
        :: else ->
          seen = seen | (1 << id);
          assert(id < REQUESTS);      /* the client asked */
          assert(!asked_for[id]);     /* and once for each time that it did */
          asked_for[id] = true;
          left = LIFE;
          ports = 0;
          phase = announcing
        fi
      fi
    }
  /* the port opens */
  :: atomic { phase == announcing -> ports++; accepts = 0; port = true; phase = listening }
  /* the deadline, in whatever phase */
#ifndef BUG_NO_DEADLINE
  :: atomic { overdue -> end_window() }
#endif
  /* TLS: the key is the client's, or it is not */
  :: atomic { phase == shaking && !overdue ->
      if
#ifdef BUG_ADDRESS_IS_ENOUGH
      :: guest == stranger -> phase = proved
#else
      :: guest == stranger && ports < PORTS -> guest = nobody; phase = announcing
      :: guest == stranger && ports >= PORTS -> end_window()
#endif
      :: guest == client -> phase = proved
      :: true -> end_window()  /* it went away */
      fi
    }
  /* the claim has come: let_in asks once more, and the session is there without a suspension in between */
#ifdef BUG_NO_LAST_WORD
  :: atomic { phase == proved -> come_in() }
#else
  :: atomic { phase == proved && !overdue ->
      if
      :: may_enter -> come_in()
      :: else -> end_window()
      fi
    }
#endif
  /* the grant's end ends its session */
  :: atomic { phase == inside && granted == 0 -> end_window() }
  /* the session ends by itself */
  :: atomic { phase == inside -> end_window() }
  /* the server is killed, once, and starts anew: a new link has a new nonce, and the disk is read */
  :: atomic { !crashed ->
      crashed = true;
      phase = idle; guest = nobody; port = false; left = 0; seen = 0;
      nonce++;
#ifdef BUG_REVOCATION_NOT_ON_DISK
      knows_revoked = false
#else
      knows_revoked = on_disk
#endif
    }
  od
}

/* The kernel takes what comes to an open port: the server closes it before it reads an octet. */
inline connect(me) {
  atomic {
    if
    :: port && phase == listening && guest == nobody && !overdue ->
      accepts++;
      assert(accepts <= 1);
      assert(ports <= PORTS);
#ifndef BUG_ACCEPTS_TWICE
      shut();
      guest = me;
      phase = shaking
#else
      if
      :: guest = me; shut(); phase = shaking
      :: skip
      fi
#endif
    :: else -> skip
    fi
  }
}

active proctype the_client() {
  byte id = 0;
end:
  do
  :: id < REQUESTS -> d_step { made = made | (1 << id); made_under[id] = nonce; id++ }
  :: port -> connect(client)
  od
}

active proctype the_stranger() {
end:
  do
  :: port -> connect(stranger)
  od
}

/* revoke, if ever: on disk, then in memory, then whatever is alive is ended, then it returns. */
active proctype owner() {
  if
  :: goto content
  :: on_disk = true
  fi;
#ifdef BUG_ENDS_BEFORE_IT_FORBIDS
  atomic { if :: alive -> end_window() :: else -> skip fi };
  knows_revoked = true;
#else
  knows_revoked = true;
#ifdef BUG_HANDSHAKE_FORGOTTEN
  atomic { if :: phase == inside || phase == listening || phase == announcing -> end_window() :: else -> skip fi };
#else
  atomic { if :: alive -> end_window() :: else -> skip fi };
#endif
#endif
  atomic {
    returned = true;
    assert(!alive)
  };
content:
  skip
}

/* Time does not go by over what is due. */
active proctype time_goes_by() {
end:
  do
  :: atomic { (left > 0 || granted > 0) && !overdue ->
      if :: left > 0 -> left-- :: else -> skip fi;
      if :: granted > 0 -> granted-- :: else -> skip fi }
  od
}

/* Nothing of the client is alive once revoke has returned. */
ltl revoked_is_over { [] (returned -> [] !alive) }
/* A port is open only in a window's life. */
ltl no_port_without_a_window { [] (port -> phase == listening) }
/* Every port that opens is closed. */
ltl ports_close { [] (port -> <> !port) }
/* A session does not outlive its grant. */
ltl sessions_end { [] ((phase == inside && granted == 0) -> <> (phase != inside)) }
