# ---
# jupyter:
#   dlcourse:
#     title: Deep equilibrium nets
#     minutes: 120
#     needs: a laptop CPU
#     requires: [tensorflow, keras, pandas]
# ---

# %% [markdown]
# # Lab 08: Deep equilibrium nets
#
# Sixty generations live side by side, work, save for old age, and share one economy whose weather nobody can foresee.
# In this lab a neural network finds out how all of them behave. Nobody shows it a single right answer: it learns from
# the conditions that hold when everybody does the best they can.

# %% [markdown]
# When you have finished, you can
#
# - turn a household's decision into an equation whose error can be measured anywhere, the Euler equation;
# - say why a grid over sixty ages is hopeless, and what a network does instead;
# - write an economy in five short functions: prices, budget, residual, loss, simulation;
# - check a solution, against a closed form where there is one and by its Euler errors where there is none;
# - handle a limit on debt (Karush-Kuhn-Tucker conditions) so that a network can learn it;
# - read the pictures of a solved economy, and explain what happens when borrowing gets easier.
#
# You need Lab 03 (what a network is and how it is trained), derivatives, and the words *expected value* and *Markov
# chain*. You need no economics.

# %% [markdown]
# ## 1. From dynamic programming to an equation
#
# Start with one household and two years. This year it has an income $y$, eats $c$ and saves $a = y - c$. Next year the
# savings come back with a return $R'$, together with a wage $w'$; both depend on a shock $z'$ that nobody knows yet.
# A meal is worth $u(c) = c^{1-\gamma}/(1-\gamma)$: the first spoon is worth more than the hundredth. Next year's counts
# $\beta < 1$ of this year's. So the household looks for
#
# $$\max_a \; u(y - a) + \beta\, \mathrm E\big[u(R' a + w')\big].$$
#
# With many years, the second term becomes the *value* of what is left to live, and this is Bellman's equation: in state
# $x$ at age $h$,
#
# $$V_h(x) = \max_a \; \big\{ u(c) + \beta\, \mathrm E[V_{h+1}(x')] \big\}.$$
#
# Dynamic programming solves it from the last age backwards, with a maximisation in every state. There is a shorter way.
# At the maximum, one more unit saved must be worth as much as one more unit eaten. The unit eaten is worth the
# **marginal utility** $u'(c) = c^{-\gamma}$. The unit saved becomes $R'$ units next year, and those can then be eaten,
# so
#
# $$u'(c) = \beta\, \mathrm E\big[R'\, u'(c')\big]. \tag{Euler}$$
#
# The value function is gone, and so is the maximum. What is left is an equation between this year and the next.
#
# **Exercise 8.1.** Write its right side. The arrays' last axis runs over the shocks $z'$ that may come; all other axes
# (households, states) are kept.

# %%
import matplotlib.pyplot as plt
import numpy as np

from dlcourse import plots
from dlcourse.checks import check, progress
from dlcourse.plots import PALETTE, show

plots.use_style()


# %%
def value_of_saving(discount, probability, gross_return, consumption, risk_aversion):
    """beta E[R' u'(c')], shape (...), from arrays of shape (..., Z): probabilities, R' and c' in each shock."""
    # BEGIN SOLUTION
    return discount * np.sum(probability * gross_return * consumption**-risk_aversion, axis=-1)
    # END SOLUTION


# %%
value_of_saving = check("8.1", value_of_saving)

# %% [markdown]
# Try both ways on one household: it earns 1 this year, and next year 0.3 in bad times and 0.5 in good ones; savings
# return 0.8 or 1.3. *Before you run:* where will the two curves on the right cross?

# %%
discount, gamma = 0.95, 2.0
chance, returns = np.array([0.5, 0.5]), np.array([0.8, 1.3])
savings = np.linspace(0.05, 0.6, 551)


def lifetime_utility(savings, income, wages):
    """u(c) + beta E[u(c')] for each amount of savings, with gamma = 2."""
    later = returns * savings[:, None] + wages
    return -1 / (income - savings) - discount * np.sum(chance / later, axis=1)


wages = np.array([0.3, 0.5])
utility = lifetime_utility(savings, 1.0, wages)
eating = (1 - savings) ** -gamma
saving = value_of_saving(discount, chance, returns, returns * savings[:, None] + wages, gamma)
best, crossing = savings[np.argmax(utility)], savings[np.argmin(np.abs(eating - saving))]
print(f"dynamic programming saves {best:.3f}, the Euler equation {crossing:.3f}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.2))
left.plot(savings, utility, color=PALETTE[0])
left.plot(best, utility.max(), "o", color=PALETTE[1])
left.set(xlabel="savings $a$", ylabel="lifetime utility", title="The best savings ...")
right.plot(savings, eating, color=PALETTE[0], label="one more unit eaten, $u'(c)$")
right.plot(savings, saving, "--", color=PALETTE[2], label=r"one more unit saved, $\beta E[R'u'(c')]$")
right.axvline(crossing, color=PALETTE[1], linewidth=1)
right.set(xlabel="savings $a$", ylabel="utility per unit", title="... are where eating and saving are worth the same")
right.legend(loc="upper left")
show(figure, alt="Lifetime utility has its maximum exactly where marginal utility crosses the value of saving.")

# %% [markdown]
# The left picture needed a search. The right one needs none: at *any* $a$ you can say by how much the equation is
# missed. That number is what a network will learn from.

# %% [markdown]
# ## 2. Why grids die
#
# In an economy, the return $R'$ depends on how much capital everybody owns together. So a household that plans ahead
# has to know the capital of *all* the others: the state $x$ is the shock and a number for each age. The old way is a
# grid over it. The slides do the sums, for 10 points in each direction and one second for each point. *Before you run:*
# how many dimensions can you afford, if you have a year?

# %%
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800, "years": 31_557_600}
UNIVERSE = 13.8e9  # years


def duration(seconds):
    """In the largest unit of which there is at least one."""
    name, length = [(name, length) for name, length in UNITS.items() if seconds >= length][-1]
    return f"{seconds / length:,.1f} {name}" if seconds < 1e12 else f"{seconds / length:.0e} {name}"


for dimensions in (1, 2, 3, 4, 5, 6, 20, 59):
    print(f"{dimensions:2d} dimensions: {10.0**dimensions:8.0e} points, {duration(10.0**dimensions)}")
print(f"20 dimensions: about {1e20 / UNITS['years'] / UNIVERSE:.0f} times the age of the universe")

# %% [markdown]
# Seven dimensions take almost four months. Sixty ages have 59 capitals that can differ (the newborn owns nothing), and
# no computer will ever help.
#
# But who says that we need all these points? Put the largest possible ball into a cube. (The slides have a ball of
# radius 1 in a cube of side 1, into which it would not fit: it is the *diameter* that is 1.) How much of the cube does
# it fill?

# %%
from math import gamma as gamma_function

dimensions = np.arange(1, 21)
ball = np.array([np.pi ** (d / 2) / (2**d * gamma_function(d / 2 + 1)) for d in dimensions])

figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.2))
left.semilogy(dimensions, 10.0**dimensions / UNITS["years"], "o-", color=PALETTE[0], markersize=4)
left.axhline(1, color=PALETTE[2], linestyle="--")
left.axhline(UNIVERSE, color=PALETTE[1], linestyle=":")
left.text(20, 3, "a year", ha="right", color=PALETTE[2])
left.text(1, 3 * UNIVERSE, "age of the universe", color=PALETTE[1])
left.set(xlabel="dimensions", ylabel="time in years", title="A grid of 10 points a side", xticks=(1, 5, 10, 15, 20))
right.semilogy(dimensions, ball, "s-", color=PALETTE[0], markersize=4)
right.set(xlabel="dimensions", ylabel="share of the cube", title="The ball inside a cube", xticks=(1, 5, 10, 15, 20))
show(figure, alt="Grid time passes a year at eight dimensions; the ball's share falls below one in ten million at 20.")
print(f"20 dimensions: the ball fills less than a ten-millionth of the cube: {bool(ball[-1] < 1e-7)}")

# %% [markdown]
# In many dimensions a cube is nearly all corners. A corner of our cube is an economy in which, say, the 37-year-olds
# own everything and the 38-year-olds nothing: it never happens. A real economy stays in a small, oddly shaped region,
# and we need the solution only there. So the plan is:
#
# 1. a **network** instead of a table: it takes the whole state and needs no grid;
# 2. **simulation** instead of a cube: it is asked only in states to which its own answers lead;
# 3. the **Euler equation** instead of labels: the loss says how badly its answers fit together.

# %% [markdown]
# ## 3. Overlapping generations
#
# Time goes in years. Each year a cohort is born, at age 21, and the cohort that has turned 80 leaves: 60 ages live at
# the same time, one representative household each. They work as their age allows. The shock $z$ decides two things for
# everybody: how productive the firm is ($\eta$), and how much capital wears out ($\delta$).

# %%
from dlcourse.economics.benchmark_olg import benchmark_olg
from dlcourse.economics.plots_economy import economy_in_pictures

sixty = benchmark_olg()
weather = sixty.shocks.simulate(80, np.random.default_rng(4))
figure = economy_in_pictures(sixty, weather)
show(figure, alt="Lives overlap; labour peaks from 41 to 61; productivity flips each year, depreciation seldom jumps.")
print("probability of the next shock after shock 0:", sixty.shocks.transition[0].tolist())

# %% [markdown]
# The four shocks are all pairs of the two: (0) $\delta = .5, \eta = .85$; (1) $\delta = .5, \eta = 1.15$; (2) $\delta =
# .9, \eta = .85$; (3) $\delta = .9, \eta = 1.15$. (The slides count them from 0 in the model and from 1 under their
# figures, and call $\eta$ now $\eta$, now $\xi$.) A year goes like this:
#
# 1. The shock $z$ falls. The households bring their capital, $K = \sum_h k^h$ together, and their labour, $L$.
# 2. The firm makes $f(K, L, z) = \eta K^\alpha L^{1-\alpha} + (1 - \delta) K$, its product and what is left of the
#    capital. It pays every unit of capital $R$ and every unit of labour $w$.
# 3. Each household eats some of its income and saves the rest: $c^h + a^h = R k^h + w l^h$.
# 4. Everybody grows a year older. What age $h$ saved is the capital of age $h + 1$.
#
# Firms compete, so each factor is paid what its last unit adds:
#
# $$R = \frac{\partial f}{\partial K}, \qquad w = \frac{\partial f}{\partial L}.$$
#
# **Exercise 8.2.** Take the two derivatives and write the prices. Mind that $R$ is a gross return: the unit of capital
# itself, or what is left of it, comes back too.


# %%
def factor_prices(capital, labour, productivity, depreciation, share):
    """R and w, for K, L, eta, delta and alpha."""
    # BEGIN SOLUTION
    intensity = capital / labour
    gross_return = share * productivity * intensity ** (share - 1) + 1 - depreciation
    return gross_return, (1 - share) * productivity * intensity**share
    # END SOLUTION


# %%
factor_prices = check("8.2", factor_prices)

# %%
total = np.linspace(10, 50, 100)
figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.2))
for z, look in enumerate(("-", ":", "--", "-.")):
    pair = factor_prices(total, sixty.total_labour, sixty.productivity[z], sixty.depreciation[z], sixty.capital_share)
    for ax, price in zip(axes, pair, strict=True):
        label = rf"$\delta$ = {sixty.depreciation[z]}, $\eta$ = {sixty.productivity[z]}"
        ax.plot(total, price, look, color=PALETTE[z], label=label)
axes[0].set(xlabel="aggregate capital $K$", ylabel="gross return $R$", title="Capital is paid less, the more there is")
axes[1].set(xlabel="aggregate capital $K$", ylabel="wage $w$", title="Labour is paid more")
axes[0].legend(loc="upper right", fontsize="small")
show(figure, alt="The return falls with capital and depreciation; the wage rises and depends on productivity alone.")

# %% [markdown]
# A wage does not care how fast machines wear out; in the right picture the lines lie on top of each other in pairs. The
# return does: in a bad year (dashed) a saver gets back less than he put in.
#
# **Exercise 8.3.** Write the budget, solved for consumption, for $n$ states at once: $R$ and $w$ have one number a
# state, capital has a row for each state and a column for each age. The oldest saves nothing, so the savings have one
# column less.


# %%
def consumption(capital, savings, gross_return, wage, labour):
    """c, shape (n, A), from k (n, A), a (n, A - 1), R and w (n,), and labour by age (A,)."""
    # BEGIN SOLUTION
    eaten = np.reshape(gross_return, (-1, 1)) * capital + np.reshape(wage, (-1, 1)) * labour
    eaten[:, :-1] -= savings
    return eaten
    # END SOLUTION


# %%
consumption = check("8.3", consumption)

# %% [markdown]
# Are these accounts in order? What all ages eat and save together must be what the firm makes, in any state and for any
# savings. That the goods add up is not a condition of its own: it follows from prices and budgets.

# %%
from dlcourse.economics.production import output

rng = np.random.default_rng(0)
capital = rng.uniform(0.1, 1, size=(5, 60))
saved = rng.uniform(0, 0.3, size=(5, 59))
K, shock = capital.sum(axis=1), rng.integers(4, size=5)
eta, delta = sixty.productivity[shock], sixty.depreciation[shock]
R, w = factor_prices(K, sixty.total_labour, eta, delta, sixty.capital_share)
used = consumption(capital, saved, R, w, sixty.labour).sum(axis=1) + saved.sum(axis=1)
made = output(K, sixty.total_labour, eta, delta, sixty.capital_share)
print(f"eaten + saved = produced, to 1e-10: {bool(np.abs(used - made).max() < 1e-10)}")

# %% [markdown]
# ## 4. An economy whose solution is known
#
# Before you trust a method, try it where you know the answer. So here is a smaller economy (Huffman 1987; Krueger and
# Kubler 2004): six ages, logarithmic utility ($\gamma = 1$), a period of about ten years with $\beta = 0.7$, and **only
# the newborn work**.
#
# Everybody else lives on what they own, and for them the decision is the same as cutting a cake for a known number of
# days. With logarithmic utility the risky return does not matter: a higher $R'$ makes saving more attractive and less
# necessary, by the same factor. The household gives one part to today, $\beta$ parts to the next period, $\beta^2$ to
# the one after, until its life ends: age $h$ has $A - h$ periods to come.
#
# **Exercise 8.4.** Which share $\beta_h$ of its income does age $h$ save, for $h = 1, \dots, A - 1$?


# %%
def savings_shares(discount, cohorts):
    """beta_1 to beta_{A-1}, shape (A - 1,), for A cohorts."""
    # BEGIN SOLUTION
    weights = discount ** np.arange(cohorts)
    future = np.cumsum(weights)[::-1][:-1] - 1
    return future / (1 + future)
    # END SOLUTION


# %%
savings_shares = check("8.4", savings_shares)

# %%
from dlcourse.economics.analytic_olg import analytic_olg

six = analytic_olg()
truth = savings_shares(six.discount, six.cohorts)
print("shares saved at ages 1 to 5:", truth.round(3).tolist())

# %% [markdown]
# ### The residual
#
# How wrong is a policy? The two sides of the Euler equation are in units of utility, which nobody can picture. So ask:
# if saving is worth so much, how much *should* be eaten today? That is the **target** $\tilde c = (\beta\, \mathrm
# E[R'u'(c')])^{-1/\gamma}$, the consumption whose marginal utility is just that. Compare it with what is eaten:
#
# $$G = \frac{\tilde c}{c} - 1.$$
#
# $G = 0.01$ means: eat one percent more. It has no unit, and you can explain it to anybody.
#
# **Exercise 8.5.** Write the residual; `value` is what exercise 8.1 gives.


# %%
def euler_residual(value, consumption, risk_aversion):
    """G, in the shape of value and consumption."""
    # BEGIN SOLUTION
    return value ** (-1 / risk_aversion) / consumption - 1
    # END SOLUTION


# %%
euler_residual = check("8.5", euler_residual)

# %% [markdown]
# ### The loss
#
# A batch of $n$ states has a residual for each state and each age that saves. The slides' loss is the mean of their
# squares over the states of a simulated path. It is zero in equilibrium and nowhere else, and *no label* appears in it.
#
# **Exercise 8.6.** Write it. Take the mean over ages too.


# %%
def loss(residuals):
    """A number from residuals of shape (n, A - 1)."""
    # BEGIN SOLUTION
    return np.mean(residuals**2)
    # END SOLUTION


# %%
loss = check("8.6", loss)

# %% [markdown]
# ### The next state
#
# Now time has to pass. From one year to the next everybody grows older, and a new shock is drawn: after shock $z$,
# shock $j$ comes with probability $P_{zj}$. With a random number $u$ from $[0, 1)$ you get it by adding up row $z$
# until the sum passes $u$.
#
# **Exercise 8.7.** Write one step for $n$ economies side by side, each with its own shock and its own $u$.


# %%
def next_state(shock, savings, uniforms, transition):
    """(z', k'): integers (n,) and capital (n, A), from z (n,), a (n, A - 1), u (n,) and P (Z, Z)."""
    # BEGIN SOLUTION
    below = np.cumsum(transition[shock], axis=1)[:, :-1]
    return (uniforms[:, None] >= below).sum(axis=1), np.pad(savings, ((0, 0), (1, 0)))
    # END SOLUTION


# %%
next_state = check("8.7", next_state)

# %% [markdown]
# That is a whole economy. The next two cells only plug your functions together. A **policy** is any function from
# shocks and capital to savings.


# %%
def prices(economy, shock, capital):
    """R and w in each state."""
    eta, delta = economy.productivity[shock], economy.depreciation[shock]
    return factor_prices(capital.sum(axis=1), economy.total_labour, eta, delta, economy.capital_share)


def eaten_by(economy, policy, shock, capital):
    """What the ages that save eat, shape (n, A - 1)."""
    return consumption(capital, policy(shock, capital), *prices(economy, shock, capital), economy.labour)[:, :-1]


def saving_worth(economy, policy, shock, capital):
    """beta E[R' u'(c')] of the ages that save, shape (n, A - 1)."""
    after = np.pad(policy(shock, capital), ((0, 0), (1, 0)))
    returns, meals = [], []
    for z in range(len(economy.shocks)):
        states = np.full(len(after), z)
        R, w = prices(economy, states, after)
        returns.append(R)
        meals.append(consumption(after, policy(states, after), R, w, economy.labour)[:, 1:])
    chance, returns, meals = economy.shocks.transition[shock], np.stack(returns, -1), np.stack(meals, -1)
    return value_of_saving(economy.discount, chance[:, None], returns[:, None], meals, economy.risk_aversion)


# %%
def simulate(economy, policy, periods, paths=100, seed=0):
    """Shocks, shape (periods * paths,), and capital by age along many paths that start with equal capital."""
    rng = np.random.default_rng(seed)
    shock = rng.integers(len(economy.shocks), size=paths)
    capital = np.full((paths, economy.cohorts), 0.8 / (economy.cohorts - 1))
    capital[:, 0] = 0.0
    shocks, capitals = [], []
    for _ in range(periods):
        shocks.append(shock)
        capitals.append(capital)
        shock, capital = next_state(shock, policy(shock, capital), rng.random(paths), economy.shocks.transition)
    return np.concatenate(shocks), np.concatenate(capitals)


# %% [markdown]
# Put the closed form in. *Predict* the loss. And what will the residuals be, if everybody saves 1 % more than they
# should?


# %%
def closed_form(shock, capital):
    """The true savings of the six ages."""
    R, w = prices(six, shock, capital)
    return truth * (R[:, None] * capital + w[:, None] * six.labour)[:, :-1]


def too_thrifty(shock, capital):
    """One percent too much."""
    return 1.01 * closed_form(shock, capital)


visited = simulate(six, closed_form, periods=50)
for policy in (closed_form, too_thrifty):
    G = euler_residual(saving_worth(six, policy, *visited), eaten_by(six, policy, *visited), six.risk_aversion)
    print(f"{policy.__name__}: loss below 1e-20: {bool(loss(G) < 1e-20)}, G by age: {G.mean(axis=0).round(3) + 0.0}")

# %% [markdown]
# The truth has no error at all. Those who save 1 % too much are told to eat 1.2 to 1.7 % more: a small mistake in
# savings is visible, age by age. That is all that a network needs to know.
#
# ### The network
#
# It takes the state (the shock one-hot, the capital of every age, and, to make its life easier, $K/L$, $R$, $w$ and
# everybody's income: 18 numbers here), has two hidden layers of 64 tanh units, and five outputs $o_h$, one for each age
# that saves. What an output means is called the **head**. We begin with a share of income,
#
# $$a^h = \operatorname{sigmoid}(o_h) \cdot \text{income}^h,$$
#
# so that nobody can ever save more than they have. The course's `train` does just what you wrote, with 128 economies
# side by side: the loss of their present states, one step of Adam, one step of the simulation, and again. All of it is
# compiled into one loop. Does it compute *your* loss? Try it on the untrained network.

# %%
from dlcourse.economics.equilibrium_net import EquilibriumNet
from dlcourse.economics.equilibrium_residuals import EquilibriumConditions, State

net = EquilibriumNet(six, hidden=(64, 64), head="share")
theirs = EquilibriumConditions(net).residuals(
    net.weights, State(visited[0].astype("int32"), visited[1].astype("float32"))
)
G = euler_residual(saving_worth(six, net.policy, *visited), eaten_by(six, net.policy, *visited), six.risk_aversion)
print(f"your loss of the untrained network: {loss(G):.2f}")
print(f"the compiled one, in single precision, agrees to 0.1 %: {bool(abs(float(theirs.loss) / loss(G) - 1) < 1e-3)}")

# %% [markdown]
# It does. So train: 3,000 steps. *Before you run:* how close to the closed form will it come, to a tenth, a hundredth,
# a thousandth?

# %% tags=["nbval-ignore-output"]
from dlcourse.economics.equilibrium_training import train

result = train(net, steps=3000)
print(f"{result.steps:,} steps in {result.seconds:.0f} s, compilation included")

figure, ax = plt.subplots(figsize=(5.8, 3.2))
ax.semilogy(result.history["step"], 100 * result.history["mean_error"], "o-", color=PALETTE[0], markersize=4)
ax.set(xlabel="gradient step", ylabel="mean Euler error in %", title="A few hundred steps do most of the work")
show(figure, alt="The mean Euler error falls below one percent within 400 steps and to hundredths of a percent later.")

# %% tags=["nbval-ignore-output"]
from dlcourse.economics.plots_equilibrium import shares_and_truth

shock, capital = simulate(six, net.policy, periods=30, paths=20, seed=1)
learnt = net.policy(shock, capital) / (closed_form(shock, capital) / truth)
figure = shares_and_truth(learnt, truth)
show(
    figure,
    alt="The network's shares lie on the closed form, and are visibly off only in the first periods.",
)

# %% [markdown]
# On the left there is nothing to see, which is good news. On the right there is: for each age, time runs to the right,
# and the first dots are ten times as far off as the rest. These economies start with equal capital at all ages, and
# that is a corner where the network has hardly ever been. A period or two later they are on the usual path, and the
# errors are gone. This is a solution *where the economy goes*, not everywhere.
#
# A small training loss certifies nothing by itself: the network might have led its economies into a corner where
# everything looks fine. The course's `euler_errors` is a check that knows nothing of networks. It takes any policy,
# lets the economy run on its own for a long time in double precision, and measures every condition there.

# %%
from dlcourse.economics.euler_errors import euler_errors

checked = euler_errors(six, net.policy, periods=3000, burn_in=300)
off = np.abs(checked.path.savings / closed_form(checked.path.shocks, checked.path.capital) - 1)
print(f"Euler error: mean below 0.1 %: {checked.residual.mean < 1e-3}")
print(f"Euler error: maximum below 1 %: {checked.residual.maximum < 1e-2}")
print(f"savings within 0.1 % of the closed form on average: {bool(off.mean() < 1e-3)}")
path = checked.path.shocks, checked.path.capital
G = euler_residual(saving_worth(six, net.policy, *path), eaten_by(six, net.policy, *path), six.risk_aversion)
print(f"your functions find the same errors, to 1e-12: {bool(abs(np.abs(G).mean() - checked.residual.mean) < 1e-12)}")

# %% [markdown]
# ### An easy test, and why
#
# Before you celebrate: look at the head again. The true share is the same in *every* state. A network whose weights are
# all zero ignores its inputs and puts out its last bias, and a bias can be right. *How many* of its numbers
# matter, then? Set them by hand.

# %%
easy = EquilibriumNet(six, hidden=(64, 64), head="share")
weights = [np.zeros_like(weight) for weight in easy.weights]
weights[-1] = np.log(truth / (1 - truth))  # the sigmoid, turned round
easy.set_weights(weights)
by_hand = euler_errors(six, easy.policy, periods=500, burn_in=0)
print(f"{sum(weight.size for weight in weights):,} parameters, {sum(map(np.count_nonzero, weights))} of them not 0")
print(f"largest Euler error below 1e-6: {by_hand.residual.maximum < 1e-6}")

# %% [markdown]
# Five numbers solve this economy. With a head that knows the answer's shape, the rest of the network has only to stay
# quiet. It is a fine test of the *program* (all of the accounts, the expectations, the time steps), and no test of
# whether a network can learn a policy.
#
# The lecture's head is harder: the outputs are the savings themselves, $a = \operatorname{softplus}(o)$, in units of
# the good. Now the network has to multiply income by a share, and nothing keeps it within its means.

# %% tags=["nbval-ignore-output"]
hard = EquilibriumNet(six, hidden=(64, 64), head="level")
levels = train(hard, steps=2000)
print(f"mean Euler error in training: {100 * levels.history['mean_error'][-1]:.0f} %")

# %%
print(f"still more than 5 % off after 2,000 steps: {bool(levels.history['mean_error'][-1] > 0.05)}")

# %% [markdown]
# The same economy, the same network, and it is nowhere near. The authors' public notebook for this economy puts out
# savings directly, too; run as it is, it takes four minutes on our machine and ends with a mean Euler error of 34 %.
# Most of what makes a deep equilibrium net good is decided *before* training, by what an output means.

# %% [markdown]
# ## 5. A limit on debt
#
# Now the slides' economy, with the numbers of the paper: 60 ages, $\gamma = 2$, $\alpha = .3$, $\beta = .95$. There is
# no closed form. The young know that they will earn more later, so they would like to borrow, and they may not: $a \ge
# \underline a$, with $\underline a = 0$ to begin with. Go back to the household of section 1, and let it earn *more*
# next year.

# %%
wages = np.array([0.9, 1.3])
savings = np.linspace(-0.35, 0.4, 751)
utility = lifetime_utility(savings, 0.8, wages)
allowed = savings >= 0

figure, ax = plt.subplots(figsize=(5.8, 3.3))
ax.plot(savings[allowed], utility[allowed], color=PALETTE[0])
ax.plot(savings[~allowed], utility[~allowed], ":", color=PALETTE[0])
ax.plot(0, utility[allowed].max(), "o", color=PALETTE[1], label="the best that is allowed")
ax.axvspan(savings[0], 0, color="black", alpha=0.08)
ax.text(-0.34, -2.45, "debt: not allowed")
ax.set(xlabel="savings $a$", ylabel="lifetime utility", title="At the limit the slope is not zero")
ax.legend(loc="lower left")
show(figure, alt="Utility peaks at negative savings; at the best allowed point, zero, the curve still slopes down.")

# %% [markdown]
# At the limit the Euler equation does *not* hold: eating is still worth more than saving, and the household cannot act
# on it. The gap is the **multiplier** $\lambda$, the price of the limit. The Karush-Kuhn-Tucker conditions (KKT) say
# all of it:
#
# $$u'(c) = \beta\, \mathrm E[R' u'(c')] + \lambda, \qquad \lambda \ge 0, \qquad a \ge \underline a, \qquad \lambda\, (a
# - \underline a) = 0.$$
#
# Either the limit does not bind, then $\lambda = 0$ and Euler holds. Or it binds, and $\lambda$ is what is missing.
#
# **Exercise 8.8.** Write the multiplier. This time you get $\mathrm E[R'u'(c')]$ and $\beta$ apart.


# %%
def multiplier(expected, discount, consumption, risk_aversion):
    """lambda, from E[R' u'(c')], beta, c and gamma."""
    # BEGIN SOLUTION
    return np.maximum(0.0, consumption**-risk_aversion - discount * expected)
    # END SOLUTION


# %%
multiplier = check("8.8", multiplier)

# %% [markdown]
# The slide prints the condition as $0 = \beta\, \mathrm E\big[(R'u'(c') + \lambda) / u'(c)\big] - 1$, with $\lambda$
# *inside*: its $\lambda$ is $(u'(c) - \beta\, \mathrm E[R' u'(c')])/\beta$. Which one is right? The multiplier has a
# meaning that can be measured: loosen the limit a little, and see how much better off the household is.

# %%
step = 1e-4
worth = (lifetime_utility(np.array([-step]), 0.8, wages) - lifetime_utility(np.array([step]), 0.8, wages)) / (2 * step)
expected = value_of_saving(1.0, chance, returns, wages, gamma)
outside = multiplier(expected, discount, 0.8, gamma)
print(f"utility gained per unit of debt allowed: {worth[0]:.4f}")
print(f"lambda outside the expectation:          {outside:.4f}")
print(f"lambda inside, as printed:               {0.8**-gamma / discount - expected:.4f}")

# %% [markdown]
# Outside is right. The limit hurts *today*, so its price is not discounted. (The authors' code has it outside, too. The
# slip changes the price and not the behaviour: the same households are at the limit, and $\lambda$ is only too large by
# $1/\beta$, 5 % here.)
#
# ### Three ways to write "one of the two is zero"
#
# A loss needs residuals, and $\lambda \ge 0$, $a \ge \underline a$ are inequalities. Call **resources** the most that a
# household may eat, its income minus $\underline a$, and write two distances, both as shares of consumption:
#
# $$x = \frac{\text{resources}}{c} - 1 \quad\text{(how far from the limit)}, \qquad y = \frac{\tilde c}{c} - 1
# \quad\text{(the Euler residual)}.$$
#
# KKT is nothing but $x \ge 0$, $y \ge 0$, and one of the two is zero. Which residual is zero exactly there?
#
# - The **product** form, as in the lecture: the network puts out $\lambda$ as well, the Euler equation holds with it,
#   and $\lambda\,(a - \underline a)$ goes into the loss. A product is also zero when the other factor is negative, so
#   both outputs have to be forced to be positive.
# - **Fischer and Burmeister**: $\psi(x, y) = x + y - \sqrt{x^2 + y^2}$.
# - The **min** form: $\min(x, y)$.
#
# **Exercise 8.9.** Write the second.


# %%
def fischer_burmeister(x, y):
    """psi, in the shape of x and y."""
    # BEGIN SOLUTION
    return x + y - np.sqrt(x**2 + y**2)
    # END SOLUTION


# %%
fischer_burmeister = check("8.9", fischer_burmeister)

# %% [markdown]
# *Before you run:* the black lines will be the zeros. Which picture has too many of them?

# %%
from dlcourse.economics.plots_economy import complementarity_forms

forms = {"product": lambda x, y: x * y, "Fischer-Burmeister": fischer_burmeister, "min": np.minimum}
figure = complementarity_forms(forms)
show(figure, alt="The product is zero on both axes; Fischer-Burmeister and min only on their positive halves.")

# %% [markdown]
# The product's zeros run along both axes, and near the origin it is flat: it hardly pushes where a household has just
# reached its limit. The other two are zero on the corner of the two positive half-axes and nowhere else, and steep
# beside it. No multiplier has to be learned; it can be computed afterwards (exercise 8.8).
#
# The min form, put together, is short. Eat the target, or everything, whichever is less:
#
# $$\min(x, y) = \frac{\min\{\tilde c,\ \text{resources}\}}{c} - 1.$$
#
# **Exercise 8.10.** Write it: one residual for the whole KKT system. `value` is $\beta\, \mathrm E[R'u'(c')]$ again.


# %%
def min_residual(value, resources, consumption, risk_aversion):
    """min(target, resources) / c - 1, in the shape of its arguments."""
    # BEGIN SOLUTION
    return np.minimum(value ** (-1 / risk_aversion), resources) / consumption - 1
    # END SOLUTION


# %%
min_residual = check("8.10", min_residual)

# %% [markdown]
# ### Side by side
#
# Fifteen ages instead of sixty (a period is four years, and $\beta = .95^4$), two layers of 32 units, 2,000 steps each.
# The **consumption** head is made for limits: with $\tilde o = .7 \cdot \text{resources} \cdot e^{o}$, it eats
# $\min(\tilde o, \text{resources})$, so that savings are *exactly* at the limit where the network wishes to eat too
# much. The kink is in the minimum, and the network itself can stay smooth. The residual then judges the wish $\tilde o$
# in the place of $c$.
#
# The product form needs a head of its own beside the multipliers, a share of the resources. To be fair we train the min
# form with that head too. *Write down your order* of the four before you run.

# %% tags=["nbval-ignore-output"]
fifteen = benchmark_olg(15)
contest = {
    "product, share": EquilibriumNet(fifteen, hidden=(32, 32), head="share", kkt="product"),
    "min, share": EquilibriumNet(fifteen, hidden=(32, 32), head="share", kkt="min"),
    "Fischer-Burmeister, consumption": EquilibriumNet(fifteen, hidden=(32, 32), kkt="fischer_burmeister"),
    "min, consumption": EquilibriumNet(fifteen, hidden=(32, 32), kkt="min"),
}
found = {}
for name, contestant in contest.items():
    seconds = train(contestant, steps=2000).seconds
    found[name] = euler_errors(fifteen, contestant.policy, periods=2000, burn_in=200)
    errors = found[name].residual
    print(f"{name:32s} {seconds:3.0f} s  mean {100 * errors.mean:5.2f} %  maximum {100 * errors.maximum:5.1f} %")

# %% tags=["nbval-ignore-output"]
figure, ax = plt.subplots(figsize=(7.4, 3.4))
for (name, errors), look, marker in zip(found.items(), ("-.", "--", ":", "-"), "osD^", strict=True):
    place = list(found).index(name)
    ages = np.linspace(21, 80, 15)[:-1]
    ax.semilogy(ages, 100 * errors.by_age, look, marker=marker, color=PALETTE[place], markersize=4, label=name)
ax.set(xlabel="age in years", ylabel="mean error in % of consumption", title="The form matters, and so does the head")
figure.legend(loc="outside right upper", fontsize="small")
show(figure, alt="The product form errs most, min with the share head less, the two consumption heads the least.")

# %%
mean = {name: errors.residual.mean for name, errors in found.items()}
product, share, head = (mean[name] for name in ("product, share", "min, share", "min, consumption"))
print(f"same head: the min form has at most two thirds of the product's error: {share < product / 1.5}")
print(f"same form: the consumption head has at most two thirds of the share's: {head < share / 1.5}")
ratio = mean["Fischer-Burmeister, consumption"] / mean["min, consumption"]
print(f"Fischer-Burmeister and min within a factor of 1.5: {1 / 1.5 < ratio < 1.5}")
for name in ("product, share", "min, consumption"):
    print(f"{name}: somebody exactly at the limit: {bool((found[name].path.savings == 0).any())}")

# %% [markdown]
# With the same head the min form beats the product: it has half as many outputs to learn, and its slope does not fade
# at the limit. The head gains about as much again. With a sigmoid or softplus nobody *ever* stands exactly at the
# limit. And between min and Fischer-Burmeister there is little to choose; the second has no corner, which some
# optimizers like.
#
# (With more steps the product form gets there too: with the lecture's sizes and a day of GPU time the authors reached
# the accuracy that you will see in the next section. The question is only at what price.)
#
# And is the share still the answer, as in section 4? Give every age its average share, constant in all states:

# %%
path = found["min, consumption"].path
constant = (path.savings / fifteen.income(path.shocks, path.capital)[:, :-1]).mean(axis=0)
lazy = euler_errors(fifteen, lambda z, k: constant * fifteen.income(z, k)[:, :-1], periods=2000, burn_in=200)
print(f"constant shares: mean error above 2 %: {lazy.residual.mean > 0.02}")
print(f"and at least five times that of the network: {lazy.residual.mean > 5 * mean['min, consumption']}")

# %% [markdown]
# Biases alone no longer do. Here the network has to know the state of the economy.

# %% [markdown]
# ## 6. Sixty generations
#
# The full economy takes longer than a lab should. The course ships three networks for it, one for each limit on debt
# (0, -0.5 and -1), with two layers of 128 units; `dlcourse train deqn --model benchmark` trained them, each in minutes
# on an ordinary computer. They take the idea of the head one step further. Instead of $.7 \cdot \text{resources}$ they
# start from an **annuity**: what a household would eat that spread its wealth and its wages to come evenly over the
# rest of its life, without any risk. The network learns only by which factor $e^{o_h}$ the truth differs from that.
#
# Load them, and do not take anybody's word for it: check them now, over 10,000 years.

# %%
from dlcourse.economics.equilibrium_report import solved_economy

nets = {limit: solved_economy(limit) for limit in (0.0, -0.5, -1.0)}
economies = {limit: shipped.economy for limit, shipped in nets.items()}
solved = {
    limit: euler_errors(shipped.economy, shipped.policy, 10_000, burn_in=2_000) for limit, shipped in nets.items()
}
print("mean consumption:", {limit: round(errors.consumption, 2) for limit, errors in solved.items()})

# %% [markdown]
# The paper's table of 2019 reports its errors in two parts, so we measure both ways:
#
# - **one residual**: by which share a household should change its consumption, given its limit. It is exercise 8.10 and
#   holds the whole KKT system, so nothing can hide in it.
# - **as the paper**: each household gets the multiplier that serves it best (exercise 8.8). What is left of the Euler
#   equation is the *Euler error*. How far $\lambda\,(a - \underline a) / u'(c)$ is from zero is the *KKT error*. It is
#   a milder metric: who saves a little although it should not gets a $\lambda$ that makes its Euler equation fit.
#
# All in percent of consumption: the mean, the error that one in a thousand exceeds, and the largest. The paper has no
# row for -1.

# %%
PUBLISHED = {
    0.0: {"Euler": (0.06, 0.54, 1.31), "KKT": (0.01, 0.15, 0.25)},
    -0.5: {"Euler": (0.04, 0.47, 3.55)},
    -1.0: {},
}
print("limit  metric          mean   p99.9  maximum    paper")
for limit, errors in solved.items():
    metrics = {"one residual": errors.residual, "Euler": errors.euler, "KKT": errors.kkt}
    for name, part in metrics.items():
        ours = "  ".join(f"{100 * number:6.3f}" for number in (part.mean, part.p999, part.maximum))
        paper = "  ".join(f"{number:4.2f}" for number in PUBLISHED[limit].get(name, ()))
        print(f"{limit:5}  {name:12s}  {ours}     {paper}".rstrip())


# %%
def no_worse(part, paper):
    """Whether mean, p99.9 and maximum are at or below the paper's."""
    return all(100 * ours <= theirs for ours, theirs in zip((part.mean, part.p999, part.maximum), paper, strict=True))


for limit in (0.0, -0.5):
    verdict = no_worse(solved[limit].euler, PUBLISHED[limit]["Euler"])
    print(f"limit {limit}: the Euler errors are nowhere above the paper's: {verdict}")
errors, paper = solved[0.0], PUBLISHED[0.0]
print(f"limit 0: not even the one residual is above its Euler errors: {no_worse(errors.residual, paper['Euler'])}")
print(f"limit 0: the KKT errors are nowhere above the paper's: {no_worse(errors.kkt, paper['KKT'])}")

# %% [markdown]
# Do your own functions find the same?

# %%
shocks, capital = errors.path.shocks, errors.path.capital
value = saving_worth(sixty, nets[0.0].policy, shocks, capital)
eaten = eaten_by(sixty, nets[0.0].policy, shocks, capital)
resources = eaten + errors.path.savings
G = min_residual(value, resources, eaten, sixty.risk_aversion)
difference = np.abs(G).mean(axis=0) - errors.by_age
print(f"your functions agree at every age, to 1e-10: {bool(np.abs(difference).max() < 1e-10)}")

# %% [markdown]
# They do. (In one number the paper is ahead: its largest KKT error. Its network puts out the multipliers and was
# trained on just that product.)
#
# The authors' program takes 10,000 episodes of 10 seconds each on a GPU node, 28 hours. Most of that time is saved by
# what you have seen: a head with the kink in it, one residual for the whole system, and many short paths whose next
# state falls out of the loss's own forward pass.
#
# ### Reading the solution
#
# These are the slides' figures. *Before you run:* sketch how much a person owns between 21 and 80. At which age is it
# most? And who saves more in good years than in bad ones?

# %%
from dlcourse.economics.plots_equilibrium import by_age_in_shocks

LABELS = [rf"$\delta$ = {d}, $\eta$ = {e}" for d, e in zip(sixty.depreciation, sixty.productivity, strict=True)]
panels = {"Capital $k$": capital, "Savings $a$": errors.path.savings}
figure = by_age_in_shocks(panels, shocks, LABELS, common_scale=True)
show(figure, alt="Next to nothing is owned until 40, most around 67; more is saved in productive years.")

# %% [markdown]
# The young own next to nothing: they earn little, expect more, and may not borrow. From 40 on they save for old age,
# and from 70 on they live on it. Nobody leaves anything. Capital depends on the past alone, so a productive and an
# unproductive year (solid and dotted) begin with the same; what is *saved* depends on the year itself, and good years
# are for saving. In the two shocks with high wear (dashed, and dash-dotted) there is less of everything: wear has often
# been high for some years by then.
#
# Now the price of the limit, $\lambda$, as a share of the marginal utility $u'(c)$.

# %%
price = multiplier(value / sixty.discount, sixty.discount, eaten, sixty.risk_aversion) * eaten**sixty.risk_aversion
figure = by_age_in_shocks({"Multiplier of the limit": 100 * price}, shocks, LABELS, ylabel=r"$\lambda / u'(c)$ in %")
show(figure, alt="The multiplier is about 25 percent for the youngest in unproductive years, and 0 after about 50.")
print(f"youngest, unproductive year: above 20 %: {bool(price[shocks == 0, 0].mean() > 0.2)}")
print(f"youngest, productive year: below 1 %: {bool(price[shocks == 1, 0].mean() < 0.01)}")

# %% [markdown]
# In an unproductive year with normal wear, a unit saved is worth a quarter less to a 21-year-old than a unit eaten, and
# she cannot act on it. In a productive year wages are high and she even puts a little aside: the limit does not bind.
#
# How good is all this, age by age? And what values does the economy take?

# %%
from dlcourse.economics.plots_equilibrium import errors_by_age, histograms

figure = errors_by_age({"one residual": G}, "Largest between 40 and 50, where the limit lets go")
show(figure, alt="Mean errors are below 0.1 percent at all ages and largest between 40 and 50.")

# %%
totals = {f"limit {limit:g}": errors.path.capital.sum(axis=1) for limit, errors in solved.items()}
figure = histograms({"limit 0": G}, totals)
show(figure, alt="Most errors are between a thousandth and a tenth of a percent; capital ranges from about 10 to 42.")

# %% [markdown]
# The bar at the far left are households that stand exactly at their limit, and rightly so: they cannot be wrong. In a
# row of disasters $K$ falls to nearly a third of its mean, and rises again. The network was trained on that whole
# range, simply because its own simulation went there.
#
# Remember the cube of section 2? Its 59 dimensions are the capital of 59 ages. How many of them does the economy really
# use? Principal components give an answer: the directions in which the visited states vary most.

# %%
spread = np.linalg.svd(capital - capital.mean(axis=0), compute_uv=False) ** 2
share = np.cumsum(spread) / spread.sum()
print(f"2 of 59 directions hold more than 90 % of the variance: {bool(share[1] > 0.9)}")
print(f"5 of 59 directions hold more than 99 % of the variance: {bool(share[4] > 0.99)}")

# %% [markdown]
# That is why simulation beats the grid. The cube has $10^{59}$ points, and the economy walks along a thin ribbon in it.

# %% [markdown]
# ## 7. Loosening the limit
#
# The slides' last figure: what changes if the young may borrow, up to one unit (three years' income of a 21-year-old)?
# There is no bank in this economy. A debtor has *negative capital*: she takes over a part of what others own, and pays
# what capital pays.
#
# *Before you run, predict four things:* who will borrow? Will there be more capital in the economy, or less? What
# happens to the return $R$? And will people eat more, over their lives?

# %%
loose = solved[-1.0]
panels = {"Limit 0": capital, "Limit -1": loose.path.capital}
figure = by_age_in_shocks(panels, [shocks, loose.path.shocks], LABELS, "capital by age", common_scale=True)
for ax in figure.axes:
    ax.axhline(0, color="black", linewidth=0.8)
show(figure, alt="With the limit at -1 wealth falls to about -0.9 around 35 and rises to about 2.4 around 67.")

# %%
eaten_before = consumption(capital, errors.path.savings, *prices(sixty, shocks, capital), sixty.labour)
gained = loose.path
eaten_after = consumption(
    gained.capital, gained.savings, *prices(economies[-1.0], gained.shocks, gained.capital), sixty.labour
)
figure, ax = plt.subplots(figsize=(5.8, 3.3))
ax.plot(21 + np.arange(60), eaten_before.mean(axis=0), color=PALETTE[0], label="limit 0")
ax.plot(21 + np.arange(60), eaten_after.mean(axis=0), "--", color=PALETTE[1], label="limit -1")
ax.set(xlabel="age in years", ylabel="mean consumption", ylim=(0, None), title="With debt, life is smoother")
ax.legend(loc="lower right")
show(figure, alt="Mean consumption has a hump at 45 under limit 0; under limit -1 it rises gently with age.")

# %%
K = {limit: float(part.path.capital.sum(axis=1).mean()) for limit, part in solved.items()}
R = {
    limit: float(prices(economies[limit], part.path.shocks, part.path.capital)[0].mean())
    for limit, part in solved.items()
}
more = eaten_after.mean(axis=0) / eaten_before.mean(axis=0) - 1
print("mean capital:", {limit: round(number, 1) for limit, number in K.items()})
print("mean return: ", {limit: round(number, 2) for limit, number in R.items()})
print(f"the youngest eat at least 30 % more: {bool(more[0] > 0.3)}, those at 45 less: {bool(more[24] < 0)}")
moved = eaten_after.mean() / eaten_before.mean() - 1
print(f"the average over all ages moves by less than 1 %: {bool(abs(moved) < 0.01)}")

# %% [markdown]
# - **The young borrow**, nearly everything that they may, and pay it back until they are about 50. So the lowest point
#   is around 35.
# - **There is less capital.** What the young take over, somebody else has to own: the old own more than before, but not
#   enough to make up for it.
# - So **capital is scarcer and its return higher**, which is what persuades the old to save that much.
# - **Nobody gets richer on average.** What changes is *when* people eat. Under the limit 0 a life has a hump: short
#   when young, plenty at 45. Without it, marginal utility is evened out, and that is what debt is for.
#
# One more thing to notice: in the bad shocks (dashed) the debts are smaller. Negative capital wears out like any other:
# in a disaster a debtor owes less. Here, debt comes with an insurance, at the lenders' cost. A loan with a fixed
# repayment would be a second asset. That is **Lab 08b**.
#
# And when do debtors feel their limit?

# %%
late = saving_worth(economies[-1.0], nets[-1.0].policy, loose.path.shocks, loose.path.capital)
meal = eaten_after[:, :-1]
strain = multiplier(late / sixty.discount, sixty.discount, meal, sixty.risk_aversion) * meal**sixty.risk_aversion
figure = by_age_in_shocks(
    {"Limit 0": 100 * price, "Limit -1": 100 * strain},
    [shocks, loose.path.shocks],
    LABELS,
    r"$\lambda / u'(c)$ in %",
    common_scale=True,
)
show(figure, alt="Under limit -1 multipliers are smaller, peak in the thirties, and appear in productive years.")
print(f"limit 0: largest in unproductive years: {bool(price[shocks == 0].mean() > price[shocks == 1].mean())}")
good, bad = strain[loose.path.shocks == 1], strain[loose.path.shocks == 0]
print(f"limit -1: largest in productive years: {bool(good.mean() > bad.mean())}")

# %% [markdown]
# It has turned round. Under the limit 0 bad years hurt, because wages are low. Under -1 it is the *good* years: capital
# then pays most, and who has negative capital has to pay it.

# %% [markdown]
# ## 8. Where the errors live
#
# A network is smooth, and the policy has a kink: where the limit starts to bind, savings stop falling at once. You have
# seen errors crowd along a kink in Lab 03b. Here the minimum in the head makes the kink. But it has to be in the right
# *place*, and next to it the target comes from next year's consumption, which has kinks of its own.
#
# Measure how far each household is from its kink: $\tilde c / \text{resources} - 1$ is positive where the limit binds.
# *Predict:* where will the mean error be largest? And where the largest errors?

# %%
from dlcourse.economics.plots_equilibrium import errors_near_the_kink

distance = value ** (-1 / sixty.risk_aversion) / resources - 1
figure = errors_near_the_kink(distance, G)
show(figure, alt="Mean and largest error peak at the kink, and are low where the limit binds firmly.")

# %%
near = np.abs(distance) < 0.02
worst = np.abs(G) > np.quantile(np.abs(G), 0.999)
print(f"households within 2 % of the kink: fewer than one in ten: {bool(near.mean() < 0.1)}")
print(f"of the worst thousandth of all errors, more than half are there: {bool(near[worst].mean() > 0.5)}")
firm = np.abs(G[distance > 0.1]).mean()
print(
    f"where the limit binds firmly the mean error is less than half of the whole: {bool(firm < np.abs(G).mean() / 2)}"
)

# %% [markdown]
# Both curves peak at the kink. Fewer than one household in ten stands that close to it, and these have most of the
# worst errors. Where the limit binds firmly there is almost nothing to get wrong: eat everything.
#
# So do not read too much into a maximum: it is one household in 590,000, on a kink, and with another seed it will be
# another one. And the form of the residual is worth some thought, because the kink is where the forms differ.

# %% [markdown] tags=["solution"]
# *For teachers.* Good questions for the group: why does the error table of limit -1 look worse than that of limit 0?
# (Debt makes the policy steeper, the young hold positions many times their income, and the kink moves with the state.)
# What would a fixed repayment change in section 7? And ask for the check that a solution with a small training loss
# might fail: a path that drifts away from where the network was trained. `euler_errors` runs on a path of its own for
# that reason.

# %% [markdown]
# ## Summary
#
# - At the best choice eating and saving are worth the same. The Euler equation needs no maximisation, and its error can
#   be measured anywhere.
# - Grids grow as $10^d$, and most of a cube is corners. A network takes the whole state and is asked only where the
#   economy goes.
# - An economy is five functions: prices, budget, residual, loss, next state.
# - What an output means decides most. A share of income solved the small economy with five biases: an easy test.
# - A limit on debt brings a multiplier, outside the expectation. One residual, $\min(\tilde c, \text{resources})/c -
#   1$, holds the whole KKT system.
# - Check in double precision, on a free simulation, with a metric that you can say in words.
# - Looser limits: the young borrow, capital gets scarcer, its return rises, and lives get smoother.

# %% tags=["headline"]
table = solved[0.0]
print("six ages: savings within 0.1 % of the closed form:", bool(off.mean() < 1e-3))
for name, part in (("Euler error", table.euler), ("one residual", table.residual)):
    print(f"60 ages, {name} in %: mean {100 * part.mean:.3f}, p99.9 {100 * part.p999:.2f} (paper .06, .54)")
print(f"limit 0 to -1: capital {K[0.0]:.1f} to {K[-1.0]:.1f}, return {R[0.0]:.2f} to {R[-1.0]:.2f}")

# %%
progress()

# %% [markdown]
# ## Go further
#
# - **Train it yourself.** `dlcourse train deqn --model benchmark --borrowing-limit -1 --minutes 20` gives a network
#   like ours, with its learning curve and its error table. Stop it with Ctrl-C or pull the plug: it goes on where it
#   was.
# - **Other economies.** `analytic_olg(24, discount=0.9)`, `benchmark_olg(120)`, your own `MarkovChain` of shocks,
#   another `risk_aversion`: the same network and the same check. How do seconds to 0.2 % grow with the number of ages?
# - **The lecture's algorithm.** `algorithm_1` in `dlcourse.economics` is the slide's Algorithm 1, with one long path,
#   epochs and mini-batches. How many gradient steps a second does it take, and how many does `train`?
# - **A pension.** Let every worker pay a tenth of the wage, and share it among those over 65. Which function has to
#   change? What does capital do?
# - **Break it.** Train on a limit of -1 from the first step: why does the course let the limit fall slowly? (Look for
#   `looseness` in `equilibrium_training.py`.)
# - Next: **Lab 08b** adds a bond, the article's second asset.
#
# ## References
#
# - M. Azinovic, L. Gaegauf and S. Scheidegger, *Deep equilibrium nets*, working paper 2019 (Table 3) and International
#   Economic Review 63(4), 2022.
# - G. Huffman, *A dynamic equilibrium model of asset prices and transaction volume*, Journal of Political Economy 95
#   (1987); D. Krueger and F. Kubler, *Computing equilibrium in OLG models with stochastic production*, Journal of
#   Economic Dynamics and Control 28 (2004): the economy with the closed form.
# - A. Fischer, *A special Newton-type optimization method*, Optimization 24 (1992).
# - K. Judd, *Numerical Methods in Economics*, MIT Press 1998, ch. 17: Euler errors.
# - R. Bellman, *Dynamic Programming*, Princeton 1957.
# - Deep Learning, CSCS-USI Summer School 2020 (S. Scheidegger), slides from "Dynamic stochastic economic models" to the
#   end.
