# ---
# jupyter:
#   dlcourse:
#     title: DQN plays Breakout
#     minutes: 120
#     needs: a laptop CPU
#     requires: [tensorflow, keras, gymnasium, ale-py]
#     tf_agents: true
#     budget_seconds: 90
# ---

# %% [markdown]
# # Lab 07: DQN plays Breakout
#
# A network looks at the screen of a computer game and learns to play it, from nothing but the score. You start with a
# table of 900 numbers, watch a small Breakout being learnt in under a minute, and end with an Atari player that
# learnt from pixels.

# %% [markdown]
# When you have finished, you can
#
# - say what a Q value is, and learn one from single steps, in a table and with a network;
# - write the parts of a deep Q-network: target, exploration, replay, loss, n steps, dueling head, double target;
# - turn the screen of an Atari console into what a network can use, to the last pixel;
# - measure whether an agent gets what its values promise, and what makes the promises too large;
# - find the fault when an agent does exactly what you paid for, and not what you wanted.
#
# You need Lab 06 (state, action, reward, return, discount, target network) and Lab 03 (how a network is trained).

# %% [markdown]
# ## 1. A table that learns
#
# Lab 06 learnt a policy. **Value learning** asks another question: in state $s$, what return can you still expect if
# you take action $a$ now and the best actions afterwards? Call it $Q(s, a)$. Whoever knows it needs no policy: take
# $\operatorname{argmax}_a Q(s, a)$.
#
# Begin with a game that fits into a table. A ball falls through a field of 5 columns and 6 rows, sideways too, and
# bounces off the walls. You move the paddle below left, not at all, or right. Catch the ball: 1 point. Either way the
# game is over. A state is row, column and direction of the ball, and the place of the paddle: 300 of them.

# %%
import matplotlib.pyplot as plt
import numpy as np

from dlcourse import plots
from dlcourse.checks import check, progress
from dlcourse.plots import PALETTE, show
from dlcourse.reinforcement.plots_values import value_table

plots.use_style()
SHAPE = (6, 5, 2, 5)
row, column, right, paddle = np.unravel_index(np.arange(300), SHAPE)
sideways = np.where(right, 1, -1)
sideways = np.where((column + sideways < 0) | (column + sideways > 4), -sideways, sideways)
below = np.minimum(row + 1, 5)
moved = np.clip(paddle[:, None] + [-1, 0, 1], 0, 4)
ball = [np.tile(part[:, None], 3) for part in (below, column + sideways, sideways > 0)]
successor = np.ravel_multi_index((*ball, moved), SHAPE)
over = (ball[0] == 5).astype(float)
reward = over * (moved == ball[1])
print("states and actions:", reward.shape, "- moves that end a game well:", int(reward.sum()))

# %% [markdown]
# Three tables of 300 rows and 3 columns now say everything about the game: where a move leads (`successor`), what it
# brings (`reward`), whether it ends the game (`over`).
#
# ### The Bellman equation
#
# How good is a move? It brings its reward, and puts you into a state from which you will go on with the best move:
#
# $$Q(s, a) = r + \gamma\,(1 - d)\, \max_{a'} Q(s', a').$$
#
# $d$ is 1 where the game ended: nothing follows there. The right side is the **target** $y$ of the slides' loss. All
# of this lab turns around it.
#
# **Exercise 7.1.** Write the target for a batch of B steps.


# %%
def q_target(rewards, terminated, next_values, discount):
    """y, shape (B,), from r and d of shape (B,), and Q(s', .) of shape (B, actions)."""
    # BEGIN SOLUTION
    return rewards + discount * (1 - terminated) * next_values.max(axis=1)
    # END SOLUTION


# %%
q_target = check("7.1", q_target)

# %% [markdown]
# Where the rules are known, you may apply it to the whole table again and again. Each time the truth moves back by one
# step; after six times it has arrived everywhere. *Before you run:* the ball is in the middle, two rows above the
# bottom, and falls to the right. From which places of the paddle, and with which moves, can it still be caught? And
# what is a catch worth now, with $\gamma = 0.9$?

# %%
truth = np.zeros((300, 3))
for _ in range(6):
    flat = q_target(reward.ravel(), over.ravel(), truth[successor.ravel()], 0.9)
    truth = flat.reshape(300, 3)

states = [np.ravel_multi_index((3, 2, 1, place), SHAPE) for place in range(5)]
names = [f"paddle at {place}" for place in range(5)]
figure = value_table(truth[states], names, ["left", "stay", "right"], "What each move is worth")
show(figure, alt="Moves from which the ball can still be caught are worth 0.90, the others nothing.")

# %% [markdown]
# The ball will land in column 4, with the second move from now; its point is worth $0.9$ today. From places 0 and 1 the
# paddle comes too late, whatever it does. From place 2 it must go right at once.
#
# ### Not knowing the rules
#
# A player does not have those tables. It makes a move, and sees $r$, $s'$ and whether the game ended. **Q-learning**
# moves the entry of that one state and action a little towards its target:
#
# $$Q(s, a) \leftarrow Q(s, a) + \alpha\,(y - Q(s, a)).$$
#
# Two things it needs. First, it must try moves that it thinks are bad, or it will never learn better: with probability
# $\varepsilon$ it takes a random one (**$\varepsilon$-greedy**), often in the beginning, rarely later. (Otherwise it
# takes the best *move*. The Bologna notes write $\max_a Q$ there, which is a value; it is the $\operatorname{argmax}$.)
#
# **Exercise 7.2.** Let $\varepsilon$ go from `first` to `last` in equal steps, and stay there.


# %%
def epsilon_at(step, first, last, steps):
    """The probability of a random move at this step; it arrives at `last` after `steps` steps."""
    # BEGIN SOLUTION
    return first + (last - first) * min(step / steps, 1.0)
    # END SOLUTION


# %%
epsilon_at = check("7.2", epsilon_at)

# %% [markdown]
# Second, a step is too good to be used once. The agent keeps its last steps in a **replay** memory and learns from
# random draws, in which neighbours are rarely together.
#
# **Exercise 7.3.** Draw a batch. `memory` is a tuple of arrays (states, actions, rewards, ...) with one row a step, of
# which the first `filled` hold something. Choose the rows with `rng.integers(filled, size=count)`, and return the same
# rows of every array.


# %%
def replay_sample(memory, filled, count, rng):
    """A tuple with `count` random rows of each array of the memory."""
    # BEGIN SOLUTION
    rows = rng.integers(filled, size=count)
    return tuple(array[rows] for array in memory)
    # END SOLUTION


# %%
replay_sample = check("7.3", replay_sample)

# %% [markdown]
# Here is all of Q-learning, with your three functions in it.


# %%
def learn_table(successor, reward, over, starts, steps, discount, seed=0):
    """Q, learnt from single steps in a world of which only one entry is looked up at a time."""
    rng, Q = np.random.default_rng(seed), np.zeros(reward.shape)
    memory = tuple(np.zeros(5000, kind) for kind in (int, int, float, float, int))
    s = rng.choice(starts)
    for t in range(steps):
        explore = rng.random() < epsilon_at(t, 1.0, 0.1, steps // 2)
        a = rng.integers(Q.shape[1]) if explore else Q[s].argmax()
        for array, entry in zip(memory, (s, a, reward[s, a], over[s, a], successor[s, a]), strict=True):
            array[t % 5000] = entry
        S, A, r, d, following = replay_sample(memory, min(t + 1, 5000), 32, rng)
        Q[S, A] += 0.3 * (q_target(r, d, Q[following], discount) - Q[S, A])
        s = rng.choice(starts) if over[s, a] else successor[s, a]
    return Q


starts = np.flatnonzero(row == 0)
Q = learn_table(successor, reward, over, starts, steps=10_000, discount=0.9)

# %% [markdown]
# *Predict:* of the fifty ways in which a game can begin, how many does it now win, and how close is the table to the
# truth?


# %%
def share_won(Q):
    """Of all starts, the share that the greedy player wins."""
    s, won = starts, 0.0
    for _ in range(5):
        a = Q[s].argmax(axis=1)
        s, won = successor[s, a], won + reward[s, a]
    return float(won.mean())


print(f"wins with an empty table: {share_won(np.zeros((300, 3))):.2f}")
print(f"wins after 10,000 steps: {share_won(Q):.2f}")
error = np.abs(Q.max(axis=1) - truth.max(axis=1))
print(f"values of all starts right to 0.01: {bool(error[starts].max() < 0.01)}")
print(f"and of every state: {bool(error.max() < 0.01)}")

# %% [markdown]
# It wins them all. Nobody told it what a paddle is. In states that it never meets its table still says 0, although the
# truth does not, and that does no harm: no game leads there.
#
# ## 2. Which pair is worth more?
#
# Now the real thing. Below are two moments of one game of Breakout on an Atari console, each with the move that is
# made there. The slides ask: which pair $(s, a)$ has the higher Q value? So do we. The game is played by a
# network that you will meet in section 5, and it will give its opinion then. *Decide now, and say why:* A or B?

# %% tags=["nbval-ignore-output"]
from dlcourse.reinforcement.atari_film import film_game
from dlcourse.reinforcement.breakout import load_player
from dlcourse.reinforcement.plots_values import moments

player = load_player()
film = film_game(player, steps=900, seed=0)
value = film.values.max(axis=1)
# The pair must not be too easy: no ball is lost just before, or in the six seconds after.
lost = np.flatnonzero(np.diff(film.lives, prepend=5) < 0)
calm = [t for t in range(30, len(value) - 100) if not np.any((lost > t - 20) & (lost < t + 100))]
ranked = sorted(calm, key=lambda t: value[t])
pair = [ranked[len(ranked) // 10], ranked[-1]]
moves = [["NOOP", "FIRE", "RIGHT", "LEFT"][film.actions[t]] for t in pair]
figure = moments([film.pictures[t] for t in pair], moves, ["A", "B"])
show(figure, alt="Two screens of one game: the ball is in different places, and each shows the paddle's move.")

# %% [markdown]
# A table will not answer. *Estimate first:* how many rows would it have?

# %%
minatar_states = 2**30 * 10 * 100 * 4
print(f"a Breakout of 10 x 10 squares: about {minatar_states:.0e} states")
print(f"a screen of 210 x 160 pixels with 128 colours: about 10^{round(210 * 160 * np.log10(128)):,} pictures")

# %% [markdown]
# Nobody will ever see the same screen twice. What we need is a function that gives similar screens similar values, one
# that generalises: a network.
#
# ## 3. A network instead of the table
#
# The slides show two designs. One takes state and action and gives one number; the best action then costs one pass for
# each. The other takes the state alone and gives *all* values at once, one output for each action. That is the **deep
# Q-network** (DQN). Its loss is the mean squared error to the target,
#
# $$\mathcal L = \mathbb E\, \big\| (r + \gamma \max_{a'} Q(s', a')) - Q(s, a) \big\|^2.$$
#
# (The Bologna notes square *after* taking the mean over $s'$. From one step there is one $s'$ and no mean; what is
# minimised is the mean of the squares, as on the slides.)
#
# ### A loss that keeps its temper
#
# Early targets may be far off, and a squared error of 40 pulls 40 times as hard as an error of 1. The **Huber loss** is
# the square near 0 and a straight line further out,
#
# $$\ell(e) = \begin{cases} e^2 / 2 & |e| \le 1, \\ |e| - 1/2 & |e| > 1. \end{cases}$$
#
# **Exercise 7.4.** Write it, for an array of errors. TensorFlow will have to differentiate it later, and follows
# `abs(e)` and plain arithmetic; it does not follow `np.where`. A way around a case distinction: the smaller of $x$
# and 1 is $(x + 1 - |x - 1|) / 2$.


# %%
def huber(errors):
    """The loss of each error, of the same shape."""
    # BEGIN SOLUTION
    size = abs(errors)
    near = (size + 1 - abs(size - 1)) / 2  # the smaller of |e| and 1
    return near**2 / 2 + size - near
    # END SOLUTION


# %%
huber = check("7.4", huber)

# %%
errors = np.linspace(-4, 4, 401)
figure, (left, middle) = plt.subplots(1, 2, figsize=(8.0, 3.0))
for ax, curves in ((left, (errors**2 / 2, huber(errors))), (middle, (errors, np.gradient(huber(errors), errors)))):
    ax.plot(errors, curves[0], "--", color=PALETTE[1], label="squared")
    ax.plot(errors, curves[1], color=PALETTE[0], label="Huber")
    ax.set(xlabel="error $e$")
left.set(title="The loss", ylabel="loss")
left.legend(loc="upper center")
middle.set(title="Its slope never exceeds 1", ylabel="slope")
show(figure, alt="The Huber loss follows the parabola up to 1 and a straight line beyond; its slope stays within 1.")

# %% [markdown]
# ### Fixed targets
#
# In a table, one entry moves. In a network everything moves, the target too, which is made by the same weights: it runs
# away while you chase it. As in Lab 06 the target comes from a copy of the network, $Q^-$. There the copy crept along;
# DQN copies everything at once, here every 200 updates, and holds still in between.
#
# ### Looking several steps ahead
#
# With one-step targets, news of a broken brick moves back by one step in each round. The ball needs six steps from the
# paddle to the bricks. So take $n$ real rewards before the opinion of the network,
#
# $$y = r_0 + \gamma r_1 + \dots + \gamma^{n-1} r_{n-1} + \gamma^n\, V(s_n), \qquad V(s) = \max_a Q^-(s, a),$$
#
# and news travels $n$ times as fast. The sum stops where the game ends; behind that step nothing counts any more,
# neither rewards (they belong to the next game) nor $V$.
#
# **Exercise 7.5.** Write it for one window of $n$ steps.


# %%
def n_step_target(rewards, terminated, last_value, discount):
    """y, from r_0 ... r_{n-1}, whether each step ended the game (1.0 or 0.0), and V(s_n)."""
    # BEGIN SOLUTION
    target, weight = 0.0, 1.0
    for reward, ended in zip(rewards, terminated, strict=True):
        target += weight * reward
        weight *= discount * (1 - ended)
    return target + weight * last_value
    # END SOLUTION


# %%
n_step_target = check("7.5", n_step_target)

# %% [markdown]
# ### Learning Breakout before your eyes
#
# **MinAtar** is Breakout on 10 x 10 squares: a paddle, a ball that flies diagonally, three rows of bricks. What stands
# where comes in four layers of yes and no: paddle, ball, its last place, bricks. Each brick is a point; the game is
# over when the ball falls through. To keep players honest, one move in ten is ignored and the last one repeated.
#
# The network has one convolution and one dense layer. Sixteen games run side by side, each step goes into the replay,
# and for every four steps there is one update with 32 memories, with *your* target, *your* loss and *your*
# $\varepsilon$. A random player breaks a brick in every third game. *Before you run:* how many bricks a game will it
# be after 32,000 steps?

# %%
from dlcourse.reinforcement.dqn import DQN
from dlcourse.reinforcement.dqn_settings import DQNSettings
from dlcourse.reinforcement.environments import make_environment
from dlcourse.reinforcement.minatar import minatar_breakout
from dlcourse.reinforcement.promised_values import promises
from dlcourse.reinforcement.training import TrainingSettings, train
from dlcourse.reinforcement.tried_dqn_rules import tried_dqn_rules


def learn_breakout(steps, every=5000, report=None, **changes):
    """Agent, training result, and from time to time what its values promise and what it receives."""
    common = {"network": "minatar", "double": False, "batch_size": 32, "train_every": 4, "compiled": False}
    settings = DQNSettings(**{**common, "hidden": (128,), "epsilon_steps": 10_000, "last_epsilon": 0.02, **changes})
    games = make_environment(minatar_breakout, copies=16, seed=0, max_steps=1000)
    agent = DQN(games, settings, rules=tried_dqn_rules(target=q_target, loss=huber, epsilon=epsilon_at))
    found = []

    def examine(agent):
        found.append(promises(agent, minatar_breakout, discount=settings.discount))
        return found[-1].totals

    plan = TrainingSettings(steps=steps, evaluate_every=every)
    return agent, train(agent, games, plan, evaluation=examine, report=report), found


# %% tags=["nbval-ignore-output"]
from dlcourse.reinforcement.plots_training import LiveReturns

live = LiveReturns(goal=0.3, goal_name="random play", title="Training ...")
agent, result, found = learn_breakout(32_000, every=4000, report=live, n_step=3)
live.finish("More and more bricks: it learns Breakout", "The mean return climbs to about 5 bricks a game.")
print(f"{result.steps:,} steps, {result.history.steps_per_second.median():,.0f} a second")

# %%
games = result.episodes.total_reward
print(f"the first 100 games break less than half a brick each: {bool(games[:100].mean() < 0.5)}")
print(f"the last 100 break at least five times as many: {bool(games[-100:].mean() >= 5 * games[:100].mean())}")

# %% [markdown]
# Not an hour of play at ten steps a second, and it has found out what the paddle is for. The curve is not
# smooth, and an evaluation of ten games is noisy, too. Watch one:

# %% tags=["nbval-ignore-output"]
from dlcourse.reinforcement.watching import watch

best_start = 10_000 + int(np.argmax(found[-1].totals))
alt = "The paddle waits for the ball, returns it, and bricks disappear one after the other."
recording = watch(agent, minatar_breakout, seed=best_start, every=3, width=150, max_steps=180, alt=alt)

# %% [markdown]
# (The best of ten starts, and at most 180 steps of it.) What stops it from playing for ever are the ignored moves, and
# that it has seen so few games in which only some bricks are left.
#
# ## 4. What the network sees of an Atari
#
# The console draws 60 frames a second of 210 x 160 pixels in 128 colours. DeepMind's recipe, and ours:
#
# 1. the agent decides every **fourth frame**; its button is held in between;
# 2. of the last two frames it keeps the **brighter pixel**, because some games draw things in every second frame only;
# 3. colours become **grey**, and 210 x 160 become **84 x 84**;
# 4. the last **four** of these pictures together are the state.
#
# *Why four? Look for the direction of the ball in a single picture.*

# %%
from dlcourse.reinforcement.atari_film import BreakoutScreen, preprocessed
from dlcourse.reinforcement.plots_values import preprocessing_strip

screen, small = BreakoutScreen(), []
screen.press("FIRE")
for _ in range(12):
    frames = [screen.press("NOOP") for _ in range(4)]
    small.append(preprocessed(frames[2], frames[3]))
show(
    preprocessing_strip(frames[2], frames[3], np.array(small[-4:])),
    alt="Two screens in colour, the brighter of both, its grey 84 x 84 version, and four of those with a moving ball.",
)

# %% [markdown]
# In one picture the ball stands still; in four it flies. At the start of a game there are no earlier frames, and the
# screen before it is black. It must not be the end of the game before.
#
# **Exercise 7.6.** `frames` holds the small pictures of several games, one after the other. Return the four that end
# with number `now`, the newest last, where this game began with number `first`.


# %%
def frame_stack(frames, first, now):
    """Shape (4, height, width); frames before `first` are black, 0."""
    # BEGIN SOLUTION
    numbers = np.arange(now - 3, now + 1)
    stack = frames[np.maximum(numbers, 0)]
    stack[numbers < first] = 0
    return stack
    # END SOLUTION


# %%
frame_stack = check("7.6", frame_stack)

# %% [markdown]
# Is that what the players of this course are trained on? They use ALE's own fast environment. Play 400 random moves
# in it and rebuild each of its stacks from single frames with your function; then compare pixels with
# `preprocessed`.

# %%
from dlcourse.reinforcement.atari import AtariGames

rng, game = np.random.default_rng(0), AtariGames(seed=3)
stacks, first, ends, deaths = [game.reset()[0]], [0], 0, 0
for _ in range(400):
    observations, transitions, finished = game.step(rng.integers(4, size=1))
    ends, deaths = ends + len(finished), deaths + int(transitions.terminated[0])
    stacks.append(observations[0].copy())
    first.append(len(stacks) - 1 if finished else first[-1])
film_strip = np.array([stack[-1] for stack in stacks])
same = [np.array_equal(frame_stack(film_strip, first[t], t), stacks[t]) for t in range(len(stacks))]
print("games ended:", ends, "- terminal steps:", deaths)
print("all stacks rebuilt from single frames:", all(same))

console, ale = BreakoutScreen(), AtariGames(no_ops=0)
ale.reset()
console.press("FIRE")
largest = 0
for button in (1, 0, 2, 2, 3, 0, 3, 3):
    frames = [console.press(button) for _ in range(4)]
    theirs = ale.step(np.array([button])).observations[0, -1]
    largest = max(largest, np.abs(preprocessed(frames[2], frames[3]).astype(int) - theirs).max())
print("grey levels (of 255) between our pixels and theirs:", int(largest) <= 1 and "at most 1")

# %% [markdown]
# There were more terminal steps than games. A game has five lives, and a **lost life** is told to the agent as an end,
# $d = 1$: nothing more is to be expected from that ball. The game itself goes on. (A classic trap: ALE's setting
# `episodic_life` restarts the whole game instead, and nobody ever sees its later stages.) Another one: after a lost
# life the console waits for the FIRE button. An agent that never presses it looks at an empty field for ever; so the
# environment presses it.
#
# Replay memory has to be clever, too. A million steps as pairs of stacks of four are 56 GB. Each frame is in eight of
# them; the course's `FrameReplay` keeps it once and stacks when it draws, as you just did: 7 GB.
#
# ## 5. The player
#
# The network of section 2 learnt on one core of a laptop-sized machine in well under two hours, with
# `dlcourse train breakout`. It saw 6.6 million frames. DeepMind's network of 2015 took 50 million; to need fewer, ours
# uses what was found since:
#
# - **three steps** in each target, as in exercise 7.5;
# - a **double** target, which you write in section 6;
# - **prioritised replay**: a memory with error $\delta$ is drawn with probability $P_i \propto (|\delta_i| +
#   \epsilon)^\alpha$ (the Bologna notes leave out the small $\epsilon$: without it, a memory with error 0 would never
#   be seen again). The bias of this is repaid with weights $w_i = (N P_i)^{-\beta}$. In the notes $\beta$ goes from 1
#   to 0; it is the other way round, from about 0.4 up to 1, because an unbiased end matters most;
# - a **mirror**: Breakout is symmetric, so half of what it sees is flipped left to right;
# - a **dueling head**.
#
# ### A dueling head
#
# In most states of Breakout the move hardly matters: the ball is far away. So the network splits into two streams, the
# **value** $V(s)$ of being there and the **advantage** $A(s, a)$ of a move, which are put together again:
#
# $$Q(s, a) = V(s) + A(s, a) - \frac1{|\mathcal A|} \sum_b A(s, b).$$
#
# Why subtract the mean? Without it, 5 more in $V$ and 5 less in all $A$ give the same $Q$, and neither stream knows
# what it is responsible for.
#
# **Exercise 7.7.** Write it, for values of shape (B, 1) and advantages of shape (B, actions).


# %%
def dueling(values, advantages):
    """Q(s, a), shape (B, actions)."""
    # BEGIN SOLUTION
    return values + advantages - advantages.mean(axis=1, keepdims=True)
    # END SOLUTION


# %%
dueling = check("7.7", dueling)

# %% [markdown]
# ### How well does it play?
#
# Three whole games, the console's own score. As in the papers, 5 % of the moves are random, so that no memorised
# sequence of buttons can win. For comparison, from the Nature paper: random play scores 1.7, a human tester 31.8.
# keras.io calls a mean above 40 "solved".

# %% tags=["nbval-ignore-output"]
from dlcourse.reinforcement.atari import play_games

scores = play_games(player, episodes=3)
print("scores:", [int(score) for score in scores], "- mean:", round(float(scores.mean()), 1))

# %%
print(f"mean score above 20: {bool(scores.mean() > 20)}")

# %% [markdown]
# Now watch it: the ten seconds of section 2's game in which most bricks break, as fast as on the console.

# %% tags=["nbval-ignore-output"]
from dlcourse.reinforcement.plots_values import animate_film

busiest = int(np.argmax(np.convolve(film.rewards > 0, np.ones(150), "valid")))
alt = "The paddle meets the ball again and again, and bricks disappear from the wall."
animate_film(film, busiest, busiest + 150, every=2, alt=alt)

# %% [markdown]
# ### What is it thinking?
#
# The largest Q value is what the player expects at each moment: bricks, discounted by 1 % a step. (It learnt with
# rewards cut to 1, as all Atari players do, so that one setting suits all games; on the screen a brick is 1 to 7
# points.) Draw it along the game. *Before you run:* what will it do while the ball rises towards the wall? Just after a
# brick broke? When the ball is missed?

# %% tags=["nbval-ignore-output"]
from dlcourse.reinforcement.plots_values import values_along_game

chosen = {*pair, max(int(lost[0]) - 1, 0) if len(lost) else 0, len(value) - 60}
figure = values_along_game(film, sorted(chosen))
show(figure, alt="The value saws up before each brick and down after it, and drops towards 0 before each lost life.")

# %% [markdown]
# A saw: the value climbs while the ball flies towards a brick, because the point comes closer and is discounted less.
# The brick breaks, the point is paid out and is no longer *expected*. Before a lost life the value falls towards 0, a
# little before the ball is gone: the network knows that the paddle will not get there.
#
# And the question of section 2?

# %% tags=["nbval-ignore-output"]
for name, t in zip("AB", pair, strict=True):
    bricks = np.sign(film.rewards[t : t + 100])
    future = n_step_target(bricks, np.zeros(100), value[t + 100], 0.99)
    print(f"{name}: the network says {value[t]:.2f}. The game then brought {future:.2f},", end=" ")
    print(f"bricks in the first two seconds: {int(bricks[:30].sum())}.")

# %% [markdown]
# The network says B. Did you, and for the reason that the pictures show? Look where the ball is, which way it flies and
# how soon it meets the next brick. (What one game then brings is one draw and not the mean; and at B the brick is often
# the very next thing.) "It can be very difficult for humans to accurately estimate Q-values", say the slides, and they
# are right: the difference between two good-looking moments is a matter of timing and discount.
#
# ## 6. Promises
#
# A value is a promise: so many points are still to come. Is it kept? There is a reason to doubt. Take ten actions
# that are all worth exactly 0, and estimates with some noise. The target takes the largest. *How large is the largest
# of ten?*

# %%
rng = np.random.default_rng(0)
estimates = rng.normal(size=(100_000, 10))
second = rng.normal(size=(100_000, 10))
chosen_by_first = estimates.argmax(axis=1)
print(f"the largest of ten estimates of 0, on average: {estimates.max(axis=1).mean():.1f}")
print(f"chosen by one, judged by another: {abs(second[np.arange(100_000), chosen_by_first].mean()):.1f}")

# %% [markdown]
# The maximum picks the action whose noise is the luckiest, and Q-learning then passes that luck on as truth, from state
# to state. The remedy stands in the second line: let one network choose and another judge. **Double DQN** uses the two
# that are there already,
#
# $$y = r + \gamma\,(1 - d)\; Q^-\big(s', \operatorname{argmax}_{a'} Q(s', a')\big).$$
#
# (The Bologna notes print the older double Q-learning of 2010, with two equal networks that take turns; there too,
# $\max$ should read $\operatorname{argmax}$, and $\gamma$ is missing.)
#
# **Exercise 7.8.** Write the double target.


# %%
def double_target(rewards, terminated, next_online, next_frozen, discount):
    """y, shape (B,), from r and d of shape (B,), Q(s', .) and Q^-(s', .) of shape (B, actions)."""
    # BEGIN SOLUTION
    best = next_online.argmax(axis=1)
    return rewards + discount * (1 - terminated) * next_frozen[np.arange(len(best)), best]
    # END SOLUTION


# %%
double_target = check("7.8", double_target)

# %% [markdown]
# Now measure. Three agents learn MinAtar for 5,000 steps each, with one-step targets and an update in every step, so
# that each of the few memories is used often. From time to time they play ten games without exploring, and in each
# state we note what the largest Q value promised and what discounted points then really came.
#
# - **hardly fixed**: the copy for the targets follows every 8 updates;
# - **fixed targets**: every 200 updates, the plain DQN;
# - **fixed and double**: the target that you just wrote.
#
# *Rank them:* who promises too much, and who keeps the promise?

# %% tags=["nbval-ignore-output"]
from dlcourse.reinforcement.plots_values import promised_and_received

variants = {"hardly fixed": {"target_every": 8}, "fixed targets": {}, "fixed and double": {"double": True}}
curves, excess = {}, {}
for name, changes in variants.items():
    parts = learn_breakout(5000, every=1250, hidden=(64,), train_every=1, **changes)[2]
    curves[name] = ([part.promised.mean() for part in parts], [part.received.mean() for part in parts])
    excess[name] = float(np.mean([part.excess for part in parts[-2:]]))
figure = promised_and_received(range(1250, 6250, 1250), curves)
show(
    figure, alt="With hardly fixed targets the promise is several times what is received; with fixed ones it is closer."
)

# %%
print(f"hardly fixed: promises at least one point too much: {excess['hardly fixed'] > 1}")
print(f"fixed targets: less: {excess['fixed targets'] < excess['hardly fixed']}")
print(f"fixed and double: less: {excess['fixed and double'] < excess['hardly fixed']}")

# %% [markdown]
# Mind the scales: each picture has its own. With hardly fixed targets, luck is passed on as truth as soon as it
# appears, and the promises run away. Copying rarely takes most of that away. What the double target adds is, in so
# small a game with three actions and one seed, hardly more than chance; change the seed and look again. In the games of
# the Atari, with up to 18 actions and millions of updates, van Hasselt and his colleagues saw plain DQN promise several
# times too much, and double DQN not.
#
# A promise that is too large by the same amount everywhere would do no harm, since only the order of the moves counts.
# But it is largest where the network knows least, and draws the agent there.
#
# ## 7. The same agent from a library
#
# You will not write DQN anew for each project. **TF-Agents** brings one. With the same network, optimizer, replay,
# targets and exploration, it should learn the same, so let both balance the pole of CartPole: 1 point for each step
# that the pole stands, 500 at most.
#
# TF-Agents needs the old Keras 2 beside our Keras 3, which the setup cell arranged before TensorFlow was loaded. Where
# it is not installed, as on Colab, the next cell says so and shows our curve alone.

# %% tags=["nbval-ignore-output"]
from dlcourse.reinforcement.plots_values import learning_curves
from dlcourse.reinforcement.tf_agents_bridge import load_tf_agents, train_tf_agents

settings = DQNSettings(epsilon_steps=2000, warm_up=500, batch_size=32, target_every=100, compiled=False)
plan = TrainingSettings(steps=3000, evaluate_every=500)
ours = train(DQN(make_environment("CartPole-v1"), settings), make_environment("CartPole-v1"), plan).history
poles = {"dlcourse": (ours.step, ours.evaluation_return)}
try:
    load_tf_agents()
    theirs = train_tf_agents("CartPole-v1", plan, settings).history
    poles["TF-Agents"] = (theirs.step, theirs.evaluation_return)
except ImportError as reason:
    print("TF-Agents is left out here.", reason)
figure = learning_curves(poles, "Both implementations learn to balance", "steps that the pole stands", goal=500)
show(figure, alt="The mean return of both agents climbs from about 10 to around 100 and more within 3,000 steps.")

# %%
for name, (_, returns) in poles.items():
    if name == "dlcourse":
        print(f"{name}: reaches 100 steps: {bool(max(returns) >= 100)}")

# %% [markdown]
# The curves are not the same: the two draw other random numbers, and DQN on CartPole is famously jumpy. But both keep
# the pole up many times longer than an untrained network. A library is a good place to get an algorithm from, and a few
# hundred lines of your own are a good place to understand it. When the two disagree beyond luck, one of them has a bug.
#
# ## 8. You get what you pay for
#
# The slides show a boat in a race game that never finishes: it turns in circles in a lagoon, on fire, collecting
# bonus points that grow back. Nothing is wrong with the agent. Let us build that race. The track has ten places; the
# finish, place 9, pays 10 points and ends the race. On the way, at place 3, is a buoy, and somebody thought that a
# small bonus for passing it would help: `bonus` points for each time that the boat arrives there.


# %%
def race(bonus, take_back=False):
    """successor, reward and over of the race; with `take_back` the bonus is lost again on leaving the buoy."""
    place = np.arange(10)[:, None]
    successor = np.clip(place + np.array([[-1, 1]]), 0, 9)
    over = (successor == 9).astype(float)
    reward = 10 * over + bonus * ((successor == 3) & (place != 3))
    return successor, reward - take_back * bonus / 0.95 * (place == 3), over


def sail(successor, reward, over, steps=40):
    """Trains a table on this reward; returns where the boat then goes, and the points that it collects."""
    Q = learn_table(successor, reward, over, starts=[0], steps=4000, discount=0.95)
    path, points = [0], 0.0
    while len(path) <= steps and path[-1] != 9:
        action = Q[path[-1]].argmax()
        points += reward[path[-1], action]
        path.append(int(successor[path[-1], action]))
    return path, float(points)


# %% [markdown]
# *Predict:* for a bonus of 0, 0.5 and 1 point, and a finish of 10, what does the boat do in 40 steps?

# %%
from dlcourse.reinforcement.plots_values import race_tracks

paths = {}
for bonus in (0.0, 0.5, 1.0):
    path, points = sail(*race(bonus))
    paths[f"bonus {bonus:g}"] = path
    print(f"bonus {bonus:3.1f}: reward collected {points:4.1f}, reaches the finish: {path[-1] == 9}")
figure = race_tracks(paths, finish=9, buoy=3)
show(figure, alt="With bonus 0 and 0.5 the boat sails to the finish; with bonus 1 it goes to and fro at the buoy.")

# %% [markdown]
# With a bonus of 1 the boat collects twice the reward of an honest race, and never arrives. It is the best policy
# there is, for what was written down. From the buoy, turning for ever is worth $\gamma b + \gamma^3 b + \dots =
# \gamma b / (1 - \gamma^2)$, and going on to the finish $10\, \gamma^5$. *At which bonus $b$ does it flip?*

# %%
flip = 10 * 0.95**5 * (1 - 0.95**2) / 0.95
print(f"by the formula: {flip:.2f}")
for bonus in (0.75, 0.85):
    print(f"bonus {bonus}: reaches the finish: {sail(*race(bonus))[0][-1] == 9}")

# %% [markdown]
# How could one reward progress without this? Pay for *being* somewhere, and take it back on leaving: a bonus that
# comes from a potential of the place, $F = \gamma\,\Phi(s') - \Phi(s)$, is worth nothing around any circle. Ng, Harada
# and Russell (1999) showed that no such bonus can change the best policy. (Here $\Phi$ is $b / \gamma$ at the buoy and
# 0 elsewhere: $b$ on arrival, $-b / \gamma$ on leaving.)

# %%
for bonus in (1.0, 5.0):
    path, points = sail(*race(bonus, take_back=True))
    print(f"bonus {bonus:g}, taken back on leaving: reaches the finish: {path[-1] == 9}, in {len(path) - 1} steps")

# %% [markdown] tags=["solution"]
# *For teachers.* Ask for other rewards that sound right and are not: a vacuum cleaner that is paid for each grain of
# dust (it empties its bag and starts again), a student who is paid for each question asked. In section 6, let the
# group write down its ranking before the cell runs; "fixed targets cure it" is the usual guess.

# %% [markdown]
# ## Summary
#
# - $Q(s, a)$ is the return that can still be expected; the best action is its argmax. Q-learning moves it towards
#   $r + \gamma\,(1 - d) \max_{a'} Q(s', a')$, one remembered step at a time.
# - A network in the place of the table needs a frozen copy for its targets, a replay memory, and a loss that forgives
#   outliers.
# - n steps, dueling heads, double targets and prioritised replay each cost a few lines and save many frames.
# - For Atari, half of the work is the preprocessing: frames, lives, FIRE. Test it against the environment.
# - Values are promises that can be checked. A maximum over noise promises too much.
# - An agent maximises the reward that you wrote down. Check what you wanted, too, not only the return.

# %% tags=["headline"]
print(f"MinAtar Breakout: last 100 games / first 100 at least 5: {bool(games[-100:].mean() >= 5 * games[:100].mean())}")
print(f"Atari Breakout, shipped player, 3 games: mean score above 20: {bool(scores.mean() > 20)}")
print(f"MinAtar: too large promises with hardly fixed targets: {excess['hardly fixed'] > 1}, less with fixed: ", end="")
print(excess["fixed targets"] < excess["hardly fixed"])

# %%
progress()

# %% [markdown]
# ## Go further
#
# - **Train the player yourself**: `dlcourse train breakout --hours 2`. It goes on where it was after a power cut, and
#   writes its curve, its scores and a film. `data/weights/README.md` says how the shipped one was made.
# - **A longer game**: `learn_breakout(200_000, n_step=3, double=True)` takes a few minutes and breaks many more bricks.
#   Which of `dueling="mean"`, `priority_exponent=0.5` and `double=True` helps most? Take three seeds each.
# - **Other games**: `AtariGames("pong")` has the same preprocessing. ale-py brings the ROMs.
# - **Squared loss**: `DQN(..., rules=DQNRules(loss=lambda e: e**2 / 2))`. When does it matter? Try rewards times 10.
# - **Another value**: the module `targets` has DQV and DQV-Max, which learn a second network, for $V(s)$.
# - Next: **Lab 08** leaves games, and solves an economy with a network.
#
# ## References
#
# - V. Mnih et al., *Human-level control through deep reinforcement learning*, Nature 518 (2015): DQN.
# - H. van Hasselt, A. Guez, D. Silver, *Deep reinforcement learning with double Q-learning*, AAAI 2016.
# - Z. Wang et al., *Dueling network architectures for deep reinforcement learning*, ICML 2016.
# - T. Schaul et al., *Prioritized experience replay*, ICLR 2016. M. Hessel et al., *Rainbow*, AAAI 2018.
# - K. Young, T. Tian, *MinAtar*, arXiv:1903.03176 (2019). M. Machado et al., *Revisiting the Arcade Learning
#   Environment*, JAIR 61 (2018).
# - A. Ng, D. Harada, S. Russell, *Policy invariance under reward transformations*, ICML 1999.
# - J. Clark, D. Amodei, *Faulty reward functions in the wild*, OpenAI (2016): the boat of the slides.
# - Deep Learning, CSCS-USI Summer School 2020 (S. Scheidegger), slides from "Value learning" to "Some problems with
#   DQN"; Deep Learning, University of Bologna 2023-24, ch. 6.1 and 6.2.
